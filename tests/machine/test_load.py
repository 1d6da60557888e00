"""The load of the machine, with NVIDIA's library replaced by one that shows two cards."""

from types import SimpleNamespace

import pynvml
import pytest

from vidlib.machine import load as monitor


@pytest.fixture
def two_cards(monkeypatch):
    """Two cards of 8 GiB, one at 40 % with 2 GiB in use, one without a utilization; the calls that came."""
    calls = []

    def utilization(handle):
        if handle == 1:
            raise pynvml.NVMLError_NotSupported()
        return SimpleNamespace(gpu=40)

    fakes = {
        "nvmlInit": lambda: calls.append("open"),
        "nvmlShutdown": lambda: calls.append("close"),
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: f"card {handle}",
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=2 << 30, total=8 << 30),
        "nvmlDeviceGetUtilizationRates": utilization,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(pynvml, name, fake)
    return calls


@pytest.fixture
def no_driver(monkeypatch):
    def missing():
        raise pynvml.NVMLError_LibraryNotFound()

    monkeypatch.setattr(pynvml, "nvmlInit", missing)


def test_a_measurement_stays_within_the_limits_of_the_machine(tmp_path, no_driver):
    with monitor.load_reader(tmp_path) as load_now:
        load = load_now()
    assert 0 <= load.cpu_percent <= 100
    assert 0 < load.memory_used <= load.memory_total
    assert load.disks[0].folder == tmp_path
    assert 0 < load.disks[0].used <= load.disks[0].total


def test_folders_of_one_disk_count_once_even_before_they_exist(tmp_path, no_driver):
    with monitor.load_reader(tmp_path, tmp_path / "not" / "yet") as load_now:
        assert [disk.folder for disk in load_now().disks] == [tmp_path]


def test_a_machine_without_a_driver_has_no_gpus(no_driver):
    with monitor.load_reader() as load_now:
        assert load_now().gpus == ()


def test_every_card_is_read_and_the_library_closed_after_a_failure(two_cards):
    with pytest.raises(RuntimeError), monitor.load_reader() as load_now:
        gpus = load_now().gpus
        raise RuntimeError("the page went away")
    assert gpus == (
        monitor.GpuLoad("card 0", 40.0, 2 << 30, 8 << 30),
        monitor.GpuLoad("card 1", 0.0, 2 << 30, 8 << 30),
    )
    assert two_cards == ["open", "close"]
