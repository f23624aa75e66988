"""Entries are shown, greyed with a reason, or gone; the answer comes in time whatever the platform does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.core.errors import Forbidden, Unavailable
from isthmus.ui_bridge.dynamic import FRESH_SECONDS, STALE_SECONDS, DynamicItems, Item, Question
from isthmus.ui_bridge.objects import ObjectId
from isthmus.ui_bridge.platform import Admission, Sender
from tests.unit.ui_bridge.surface import BARN, OTHER, Farm, surface


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def question(*targets: str, place: str = "menu", token: str = "anna", locale: str = "en") -> Question:
    return Question(Sender(token), tuple(map(ObjectId.parse, targets or (BARN,))), place, locale, "req-1")


def items(farm: Farm, asked: Question | None = None) -> dict[str, Item]:
    return {each.id: each for each in DynamicItems(farm, farm, surface()).answer(asked or question())}


def test_what_can_be_done_is_shown() -> None:
    assert items(Farm()) == {"barn-grow": Item("barn-grow"), "barn-delete": Item("barn-delete")}


def test_a_missing_privilege_greys_the_entry_and_is_named_in_the_readers_language() -> None:
    found = items(Farm(missing=frozenset({"Farm.Grow"})), question(locale="de-DE"))
    assert (found["barn-grow"].visible, found["barn-grow"].relevant) == (False, True)
    assert found["barn-grow"].reason == "Hier wird das Recht Farm.Grow benötigt."
    assert found["barn-delete"].visible


def test_the_reason_why_not_now_is_told() -> None:
    found = items(Farm(reasons={("barn-delete", BARN): "Two machines are in it."}))
    assert found["barn-delete"] == Item("barn-delete", False, True, "Two machines are in it.")


def test_for_several_objects_no_entry_can_be_used_and_nobody_is_asked() -> None:
    farm = Farm()
    found = items(farm, question(BARN, OTHER, locale="de-DE"))
    reason = "Es sind mehrere Objekte ausgewählt. Wählen Sie eines aus und öffnen Sie dies erneut."
    assert found.keys() == {"barn-grow", "barn-delete"} and farm.asked == []
    assert {(each.visible, each.relevant, each.reason) for each in found.values()} == {(False, True, reason)}


def test_pages_of_several_objects_must_be_for_each() -> None:
    class Fenced(Farm):
        def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
            if str(target) == OTHER:
                raise Forbidden("It is locked.")
            return Farm.admit(self, sender, target, privileges, request_id)

    assert items(Fenced(), question(BARN, place="monitor"))["stalls"].visible
    assert items(Fenced(), question(BARN, OTHER, place="monitor"))["stalls"].reason == "It is locked."


def test_somebody_without_any_right_sees_nothing_of_it() -> None:
    found = items(Farm(error=Forbidden("None of the privileges.")))
    assert {each.relevant for each in found.values()} == {False}


def test_what_cannot_be_asked_is_greyed_with_the_reason() -> None:
    found = items(Farm(error=Unavailable("The vCenter is dead.")))
    assert found["barn-grow"] == Item("barn-grow", False, True, "The vCenter is dead.")


def test_pages_are_hidden_for_whom_they_are_not() -> None:
    assert items(Farm(), question(place="monitor")) == {"stalls": Item("stalls")}
    assert not items(Farm(error=Forbidden("No.")), question(place="monitor"))["stalls"].visible


def test_an_answer_is_remembered_for_seconds_and_for_this_person_only() -> None:
    farm, clock = Farm(), Clock()
    dynamic = DynamicItems(farm, farm, surface(), clock=clock)
    dynamic.answer(question())
    dynamic.answer(question())
    dynamic.answer(question(token="bernd"))
    assert [token for token, _ in farm.asked] == ["anna", "bernd"]
    clock.now += FRESH_SECONDS
    dynamic.answer(question())
    assert len(farm.asked) == 3


def test_what_was_done_to_an_object_is_no_longer_answered_as_before() -> None:
    farm = Farm()
    dynamic = DynamicItems(farm, farm, surface(), clock=Clock())
    dynamic.answer(question())
    dynamic.forget("urn:vmomi:Datastore:another:guid-1")
    dynamic.answer(question())
    assert len(farm.asked) == 1
    dynamic.forget(str(question().targets[0]))
    dynamic.answer(question())
    assert len(farm.asked) == 2


class SlowFarm(Farm):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__(missing=frozenset({"Farm.Grow"}))
        self.let = threading.Event()
        self.let.set()
        self.begun = threading.Semaphore(0)

    def admit(self, *given: object) -> object:  # type: ignore[override]
        self.begun.release()
        assert self.let.wait(20)
        return super().admit(*given)  # type: ignore[arg-type]


def test_a_slow_platform_gets_the_last_answer_shown_while_it_is_not_too_old() -> None:
    farm, clock = SlowFarm(), Clock()
    dynamic = DynamicItems(farm, farm, surface(), deadline=20, clock=clock)  # type: ignore[arg-type]
    first = dynamic.answer(question())
    dynamic._deadline = 0.05
    farm.let.clear()
    clock.now += FRESH_SECONDS
    assert dynamic.answer(question()) == first
    clock.now += STALE_SECONDS
    late = dynamic.answer(question())
    assert all(each.visible and "still being asked" in each.reason for each in late)
    farm.let.set()


def test_what_is_being_found_while_something_ends_is_not_remembered() -> None:
    farm = SlowFarm()
    farm.let.clear()
    dynamic = DynamicItems(farm, farm, surface(), deadline=20)  # type: ignore[arg-type]
    before = threading.Thread(target=dynamic.answer, args=(question(),))
    before.start()
    assert farm.begun.acquire(timeout=20)
    dynamic.forget(str(question().targets[0]))
    after = threading.Thread(target=dynamic.answer, args=(question(),))
    after.start()
    assert farm.begun.acquire(timeout=20)
    farm.let.set()
    for each in (before, after):
        each.join(20)
    assert len(farm.asked) == 2


def test_many_who_ask_a_slow_platform_the_same_ask_it_once() -> None:
    farm = SlowFarm()
    farm.let.clear()
    dynamic = DynamicItems(farm, farm, surface(), deadline=20)  # type: ignore[arg-type]
    threads = [threading.Thread(target=dynamic.answer, args=(question(),)) for _ in range(8)]
    for each in threads:
        each.start()
    farm.let.set()
    for each in threads:
        each.join(20)
    assert len(farm.asked) == 1


def test_where_nothing_is_offered_nobody_is_asked() -> None:
    farm = Farm()
    assert items(farm, question("urn:vmomi:Nothing:x:guid-1")) == {} and farm.asked == []
