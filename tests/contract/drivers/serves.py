"""What a driver promises whose objects are files or devices of its node."""

from __future__ import annotations

import uuid

import pytest

from isthmus.core.drivers.contract import Serves
from isthmus.core.errors import StorageError

from .bench import Lab, Suite, pattern
from .driver import SUITES

FORMS = {"image", "path"}


class ServesSuite(Suite):
    def test_forms_are_offered_or_have_a_reason(self, lab: Lab) -> None:
        forms = _serving(lab).forms()
        assert set(forms) <= FORMS
        assert "" in forms.values(), f"no form is offered here: {dict(forms)}"

    def test_a_form_that_is_not_offered_is_an_error(self, lab: Lab) -> None:
        driver = _serving(lab)
        volume = lab.create()
        for form in FORMS - set(_offered(driver)):
            with pytest.raises(StorageError):
                driver.device(volume.placement, volume.reference, form)

    def test_each_form_is_made_ready_and_let_go_again(self, lab: Lab) -> None:
        driver = _serving(lab)
        for form in _offered(driver):
            volume = lab.create()
            lab.write(volume, 0, pattern(1, 4096))
            other = lab.another()
            assert isinstance(other, Serves)
            first = driver.device(volume.placement, volume.reference, form)
            try:
                assert first.path.exists()
                assert first.size == volume.size
                assert driver.device(volume.placement, volume.reference, form) == first
                assert other.device(volume.placement, {}, form) == first
            finally:
                for _ in range(2):
                    driver.release(volume.placement, volume.reference)
                other.release(volume.placement, {})
            assert lab.read(volume, 0, 4096) == pattern(1, 4096)

    def test_a_path_shows_the_raw_content(self, lab: Lab) -> None:
        driver = _serving(lab)
        if "path" not in _offered(driver):
            pytest.skip(f"no raw view here: {driver.forms().get('path', 'not a form of this driver')}")
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        device = driver.device(volume.placement, volume.reference, "path")
        try:
            assert device.format == "raw"
            with device.path.open("r+b", buffering=0) as raw:
                assert raw.read(8192) == pattern(1, 4096) + bytes(4096)
                raw.seek(volume.size - 4096)
                raw.write(pattern(2, 4096))
        finally:
            driver.release(volume.placement, volume.reference)
        assert lab.read(volume, volume.size - 4096, 4096) == pattern(2, 4096)

    def test_serving_what_is_absent_is_an_error_and_releasing_it_is_not(self, lab: Lab) -> None:
        driver = _serving(lab)
        absent = str(uuid.uuid4())
        with pytest.raises(StorageError):
            driver.device(absent, {}, _offered(driver)[0])
        driver.release(absent, {})

    def test_device_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        for form in _offered(_serving(lab)):

            def fresh(form: str = form) -> tuple[str, dict[str, object], str]:
                volume = lab.create()
                return volume.placement, dict(volume.reference), form

            for placement, _, _ in lab.killed("device", fresh):
                other = lab.another()
                assert isinstance(other, Serves)
                try:
                    assert other.device(placement, {}, form).path.exists()
                finally:
                    other.release(placement, {})
                other.delete(placement, {})

    def test_release_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        driver = _serving(lab)
        form = _offered(driver)[0]

        def fresh() -> tuple[str, dict[str, object]]:
            volume = lab.create()
            driver.device(volume.placement, volume.reference, form)
            return volume.placement, dict(volume.reference)

        for placement, reference in lab.killed("release", fresh):
            other = lab.another()
            assert isinstance(other, Serves)
            other.release(placement, {})
            assert lab.bench.read(other, placement, reference, 0, 4096) == bytes(4096)
            other.delete(placement, {})


def _offered(driver: Serves) -> list[str]:
    return [form for form, reason in driver.forms().items() if not reason]


def _serving(lab: Lab) -> Serves:
    if not isinstance(lab.driver, Serves):
        pytest.skip(f"driver {lab.driver.name} serves no devices here")
    return lab.driver


SUITES["serve"] = ServesSuite
