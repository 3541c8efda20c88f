"""A private message bus with a hand-made org.bluez on it: bleak's own Linux backend runs without a radio.

dbus-fast reads the D-Bus types of a method from its annotations, so they must be evaluated here.
"""

import asyncio
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any

import pytest

if sys.platform != "linux":
    pytest.skip("BlueZ exists on Linux only", allow_module_level=True)
if shutil.which("dbus-daemon") is None:
    pytest.skip("dbus-daemon is not installed", allow_module_level=True)

from dbus_fast import BusType, DBusError, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import (
    DBusBool,
    DBusBytes,
    DBusDict,
    DBusInt16,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
)
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from firmware_bridge.clock import Clock, SystemClock
from firmware_bridge.drivers.kneeflex import (
    CONFIGURATION,
    CONTROL,
    DATA,
    PING,
    SERVICE,
    Command,
    Configuration,
    Echo,
    Scale,
)
from firmware_bridge.drivers.standard import BATTERY_LEVEL, bluetooth_uuid
from firmware_bridge.link.radio import SystemRadio

ADAPTER = "/org/bluez/hci0"
DBusStrings = Annotated[list[str], DBusSignature("as")]

BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def constant(name: str, kind: Any, value: Any) -> Any:
    """A read-only property."""

    def get(self: Any) -> Any:
        return value

    get.__name__ = name
    get.__annotations__["return"] = kind
    return dbus_property(PropertyAccess.READ, name)(get)


class Adapter(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.Adapter1")
        self.discovering = False

    @dbus_method()
    def StartDiscovery(self) -> None:
        self.discovering = True

    @dbus_method()
    def StopDiscovery(self) -> None:
        self.discovering = False

    @dbus_method()
    def SetDiscoveryFilter(self, properties: DBusDict) -> None: ...

    Address = constant("Address", DBusStr, "00:00:00:00:00:00")
    Powered = constant("Powered", DBusBool, True)
    Roles = constant("Roles", DBusStrings, ["central"])


class Characteristic(ServiceInterface):
    def __init__(self, device: "Device", service: str, uuid: str, flags: list[str]) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._device, self._service, self._uuid, self._flags = device, service, uuid, flags

    @dbus_property(PropertyAccess.READ)
    def UUID(self) -> DBusStr:
        return self._uuid

    @dbus_property(PropertyAccess.READ)
    def Service(self) -> DBusObjectPath:
        return self._service

    @dbus_property(PropertyAccess.READ)
    def Flags(self) -> DBusStrings:
        return self._flags

    Value = constant("Value", DBusBytes, b"")

    @dbus_method()
    def ReadValue(self, options: DBusDict) -> DBusBytes:
        return self._device.read(self._uuid)

    @dbus_method()
    def WriteValue(self, value: DBusBytes, options: DBusDict) -> None:
        self._device.write(self._uuid, bytes(value))

    @dbus_method()
    def StartNotify(self) -> None:
        self._device.callbacks[self._uuid] = lambda payload: self.emit_properties_changed(
            {"Value": bytes(payload)}
        )

    @dbus_method()
    def StopNotify(self) -> None:
        self._device.callbacks.pop(self._uuid, None)


class Service(ServiceInterface):
    def __init__(self, device: str) -> None:
        super().__init__("org.bluez.GattService1")
        self._device = device

    @dbus_property(PropertyAccess.READ)
    def Device(self) -> DBusObjectPath:
        return self._device

    UUID = constant("UUID", DBusStr, SERVICE)
    Primary = constant("Primary", DBusBool, True)


class Device(ServiceInterface):
    """One fake sensor as BlueZ shows it; the sensor takes it for the client."""

    def __init__(self, bus: MessageBus, sensor: Any) -> None:
        super().__init__("org.bluez.Device1")
        self.sensor = sensor
        self.path = f"{ADAPTER}/dev_{sensor.address.replace(':', '_')}"
        self.callbacks: dict[str, Callable[[bytearray], None]] = {}
        self._bus = bus
        self._connected = self._resolved = False
        self._rssi = -50

    @dbus_method()
    async def Connect(self) -> None:
        await self.connect()

    async def connect(self) -> None:
        await asyncio.sleep(0)
        if self.sensor.refusals:
            self.sensor.refusals -= 1
            raise DBusError("org.bluez.Error.Failed", "Software caused connection abort")
        self.sensor.client = self
        self.sensor.connections += 1
        self._set(Connected=True)
        self._bus.export(f"{self.path}/service0001", Service(self.path))
        for handle, (uuid, flags) in enumerate(
            {
                DATA: ["notify"],
                CONFIGURATION: ["read"],
                CONTROL: ["write"],
                PING: ["write-without-response", "notify"],
                BATTERY_LEVEL: ["read", "notify"],
            }.items(),
            start=2,
        ):
            characteristic = Characteristic(self, f"{self.path}/service0001", uuid, flags)
            self._bus.export(f"{self.path}/service0001/char{handle:04x}", characteristic)
        self._set(ServicesResolved=True)

    @dbus_method()
    def Disconnect(self) -> None:
        self.sensor.stop()
        self.lost()

    def lost(self) -> None:
        self.callbacks.clear()
        self._set(ServicesResolved=False, Connected=False)
        for handle in range(2, 7):
            self._bus.unexport(f"{self.path}/service0001/char{handle:04x}")
        self._bus.unexport(f"{self.path}/service0001")

    def advertise(self) -> None:
        if self.sensor.in_range and not self._connected:
            self._rssi = -50 if self._rssi == -51 else -51
            self.emit_properties_changed({"RSSI": self._rssi})

    def read(self, uuid: str) -> bytes:
        if uuid == BATTERY_LEVEL:
            return bytes([self.sensor.battery])
        return bytes(Configuration((1, 0, 0), Scale(), 0, (50.0, 100.0)))

    def write(self, uuid: str, value: bytes) -> None:
        if uuid == PING:
            echo = Echo(int.from_bytes(value, "little"), self.sensor.clock_us(SystemClock().now_s()))
            self.sensor.notify(PING, bytes(echo))
            return
        self.sensor.commands.append(value)
        if Command.from_bytes(value).rate_hz is None:
            self.sensor.streaming.cancel()
        else:
            self.sensor.streaming = asyncio.get_running_loop().create_task(self.sensor.stream(SystemRadio()))

    def _set(self, **states: bool) -> None:
        self._connected = states.get("Connected", self._connected)
        self._resolved = states.get("ServicesResolved", self._resolved)
        self.emit_properties_changed(states)

    @dbus_property(PropertyAccess.READ)
    def Address(self) -> DBusStr:
        return self.sensor.address

    @dbus_property(PropertyAccess.READ)
    def Name(self) -> DBusStr:
        return self.sensor.name

    @dbus_property(PropertyAccess.READ)
    def Alias(self) -> DBusStr:
        return self.sensor.name

    @dbus_property(PropertyAccess.READ)
    def Connected(self) -> DBusBool:
        return self._connected

    @dbus_property(PropertyAccess.READ)
    def ServicesResolved(self) -> DBusBool:
        return self._resolved

    @dbus_property(PropertyAccess.READ)
    def RSSI(self) -> DBusInt16:
        return self._rssi

    Adapter = constant("Adapter", DBusObjectPath, ADAPTER)
    AddressType = constant("AddressType", DBusStr, "random")
    Paired = constant("Paired", DBusBool, False)
    UUIDs = constant("UUIDs", DBusStrings, [bluetooth_uuid(0x1801), SERVICE])


class FakeBluez:
    """The daemon: a thread with the sensors, visible to whoever is on the bus."""

    def __init__(self, *sensors: Any) -> None:
        self._sensors = sensors
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="org.bluez")

    def __enter__(self) -> "FakeBluez":
        self._thread.start()
        self.loop = self._ready.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._stop.set)
        self._thread.join()

    def do(self, action: Callable[[], object]) -> None:
        self.loop.call_soon_threadsafe(action)

    async def _serve(self) -> None:
        bus = await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()
        adapter = Adapter()
        bus.export(ADAPTER, adapter)
        self.devices = [Device(bus, sensor) for sensor in self._sensors]
        for device in self.devices:
            bus.export(device.path, device)
        await bus.request_name("org.bluez")
        self._ready.set_result(asyncio.get_running_loop())
        while not self._stop.is_set():
            if adapter.discovering:
                for device in self.devices:
                    device.advertise()
            await asyncio.sleep(0.05)
        for sensor in self._sensors:
            sensor.stop()
        bus.disconnect()


@pytest.fixture(scope="session")
def message_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A dbus-daemon of this test run only."""
    folder = tmp_path_factory.mktemp("bus")
    socket, configuration = folder / "socket", folder / "bus.conf"
    configuration.write_text(BUS_CONFIGURATION.format(socket=socket))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile"], stderr=subprocess.PIPE
    )
    for _ in range(200):
        if Path(socket).exists():
            break
        time.sleep(0.05)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={socket}")
        yield
    daemon.terminate()
    daemon.communicate()


@pytest.fixture
def clock() -> Clock:
    """D-Bus is another process: here time is real."""
    return SystemClock()


@pytest.fixture
def bluez(message_bus: None, thigh: Any, shank: Any) -> Iterator[FakeBluez]:
    with FakeBluez(thigh, shank) as daemon:
        yield daemon
