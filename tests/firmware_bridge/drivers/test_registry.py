import pytest

from firmware_bridge.drivers import DRIVERS, driver_for
from firmware_bridge.drivers.seam import Advertisement, nearest_rate_hz, require_rate
from firmware_bridge.errors import UsageError

ADVERTISEMENTS = {
    "kneeflex": Advertisement("KF-left", ("047c0001-82f7-4cef-8f61-85aaef83ba53",)),
    "movella-dot": Advertisement("Movella DOT"),
    "metamotion": Advertisement("MetaWear", ("326a9000-85cb-9195-d9dd-464cfbbae75a",)),
    "movesense": Advertisement("Movesense 174630000192"),
    "polar-verity-sense": Advertisement("Polar Sense A1B2C3D4"),
    "thingy52": Advertisement("Left", ("ef680100-9b35-4933-9b10-52ffa9740042",)),
    "witmotion": Advertisement("WT901BLE67", ("0000ffe5-0000-1000-8000-00805f9a34fb",)),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_is_found_by_its_advertisement(name):
    assert driver_for(ADVERTISEMENTS[name]) is DRIVERS[name]


@pytest.mark.parametrize(
    "advertisement",
    [
        Advertisement(),
        Advertisement("Headphones"),
        Advertisement("Polar H10 12345678", ("0000180d-0000-1000-8000-00805f9b34fb",)),  # has no gyroscope
        Advertisement("", ("0000180d-0000-1000-8000-00805f9b34fb",)),
    ],
)
def test_other_devices_are_left_alone(advertisement):
    assert driver_for(advertisement) is None


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=list(DRIVERS))
def test_every_driver_keeps_the_promises_of_the_seam(driver):
    rates = driver.rates_hz()
    assert list(rates) == sorted(set(rates))
    for characteristic in (
        *driver.notify,
        *driver.reads,
        *(w.characteristic for w in driver.start(rates[-1])),
    ):
        assert len(characteristic) == 36
        assert characteristic == characteristic.lower()
    if driver.ping:
        assert driver.ping.notify in driver.notify
    with pytest.raises(UsageError):
        driver.start(rates[-1] + 0.5)


def test_the_nearest_rate_is_never_below_the_wanted_one_if_there_is_one():
    driver = DRIVERS["movella-dot"]
    assert nearest_rate_hz(driver, 20) == 20
    assert nearest_rate_hz(driver, 21) == 30
    assert nearest_rate_hz(driver, 100) == 60
    with pytest.raises(UsageError, match="Choose one of 1, 4, 10"):
        require_rate(driver, 100)
