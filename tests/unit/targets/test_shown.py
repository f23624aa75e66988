"""What tgtd 1.0.85 prints is read as it is meant."""

from __future__ import annotations

from isthmus.core.targets.iscsi.shown import (
    ShownConnection,
    ShownCount,
    connections,
    counts,
    portals,
    sessions,
    targets,
)

SHOWN = """\
Target 2855018: iqn.2026-01.dev.isthmus:node1:p1.shared
    System information:
        Driver: iscsi
        State: ready
    I_T nexus information:
        I_T nexus: 1
            Initiator: iqn.2016-01.example:one alias: none
            Connection: 0
                IP Address: 127.0.0.1
        I_T nexus: 2
            Initiator: iqn.2016-01.example:two alias: an alias: with words
            Connection: 0
                IP Address: 127.0.0.1
    LUN information:
        LUN: 0
            Type: controller
            SCSI ID: IET     2b906a0000
            SCSI SN: beaf28550180
            Size: 0 MB, Block size: 1
            Online: Yes
            Removable media: No
            Prevent removal: No
            Readonly: No
            SWP: No
            Thin-provisioning: No
            Backing store type: null
            Backing store path: None
            Backing store flags: 
        LUN: 1
            Type: disk
            SCSI ID: 600000000000000000000000000000d6
            SCSI SN: p1
            Size: 8590 MB, Block size: 512
            Online: Yes
            Removable media: No
            Prevent removal: No
            Readonly: Yes
            SWP: No
            Thin-provisioning: Yes
            Backing store type: rdwr
            Backing store path: /pool/p1: a volume.raw
            Backing store flags: 
    Account information:
        user-1
        isthmus.filler/2855018/aa
    ACL information:
        ALL
        iqn.2016-01.example:one
Target 9: iqn.2003-01.org.other:disk
    System information:
        Driver: iscsi
        State: offline
    I_T nexus information:
    LUN information:
    Account information:
    ACL information:
"""  # noqa: W291


def test_targets_with_units_accounts_and_access() -> None:
    ours, other = targets(SHOWN)
    assert (ours.tid, ours.name, ours.state) == (2855018, "iqn.2026-01.dev.isthmus:node1:p1.shared", "ready")
    assert ours.accounts == ("user-1", "isthmus.filler/2855018/aa")
    assert ours.acl == ("ALL", "iqn.2016-01.example:one")
    assert ours.initiators == ("iqn.2016-01.example:one", "iqn.2016-01.example:two")
    disk = ours.disk(1)
    assert disk is not None and disk.path == "/pool/p1: a volume.raw"
    assert (disk.scsi_id, disk.serial, disk.megabytes) == ("600000000000000000000000000000d6", "p1", 8590)
    assert (disk.online, disk.readonly, disk.thin) == (True, True, True)
    controller = ours.disk(0)
    assert controller is not None and controller.path is None and controller.kind == "controller"
    assert ours.disk(2) is None
    assert (other.tid, other.state, other.luns, other.accounts) == (9, "offline", (), ())


def test_nothing_shown_is_no_target() -> None:
    assert targets("") == ()


def test_connections() -> None:
    text = """\
Session: 5
    Connection: 0
        Initiator: iqn.2016-01.example:one
        IP Address: 10.0.0.1
Session: 4
    Connection: 1
        Initiator: iqn.2016-01.example:two
        IP Address: 10.0.0.2
"""
    assert connections(text) == (
        ShownConnection(5, 0, "iqn.2016-01.example:one", "10.0.0.1"),
        ShownConnection(4, 1, "iqn.2016-01.example:two", "10.0.0.2"),
    )


def test_sessions_are_the_third_number_of_each_line_of_counters() -> None:
    text = """\
tgt lun sid rd_subm(bytes,cmds) rd_done(bytes,cmds) wr_subm(bytes,cmds) wr_done(bytes,cmds) errs
  7   0   3            0      0            0      0            0      0            0      0    0
  7   1   3         4096      1         4096      1            0      0            0      0    0
  7   1  12         4096      1         4096      1            0      0            0      0    0
"""
    assert sessions(text) == {3, 12}


def test_counts_are_of_commands_that_ended_and_anything_odd_is_passed_over() -> None:
    text = """\
tgt lun sid rd_subm(bytes,cmds) rd_done(bytes,cmds) wr_subm(bytes,cmds) wr_done(bytes,cmds) errs
  7   1   3         8192      2         4096      1        12288      3         8192      2    0
  7   1   4         8192      2
  7   1   x            0      0            0      0            0      0            0      0    0
"""
    assert counts(text) == (ShownCount(3, 1, 4096, 1, 8192, 2),)


def test_portals_of_both_families() -> None:
    assert portals("Portal: 127.0.0.1:3260,1\nPortal: [::1]:3261,1\n") == (("127.0.0.1", 3260), ("::1", 3261))
