/* The radio: everything that the board offers or sends is printed, one event a line. */
#pragma once
#include "Arduino.h"

#define BLE_CONN_HANDLE_INVALID 0xFFFF
enum {
  CHR_PROPS_READ = 2,
  CHR_PROPS_WRITE_WO_RESP = 4,
  CHR_PROPS_WRITE = 8,
  CHR_PROPS_NOTIFY = 16,
  SECMODE_NO_ACCESS = 0,
  SECMODE_OPEN = 0x11,
  BANDWIDTH_MAX,
  BLE_GAP_ADV_FLAGS_LE_ONLY_GENERAL_DISC_MODE = 6
};

struct BLEService {
  const uint8_t *uuid;
  BLEService(const uint8_t uuid128[16]) : uuid(uuid128) {}
  void begin() {}
};

struct BLECharacteristic {
  typedef void (*write_cb_t)(uint16_t, BLECharacteristic *, uint8_t *, uint16_t);
  const uint8_t *uuid;
  write_cb_t on_write = nullptr;
  int properties = 0;
  uint16_t longest = 0;
  BLECharacteristic(const uint8_t uuid128[16]) : uuid(uuid128) {}
  void setProperties(uint8_t p) { properties = p; }
  void setPermission(int, int) {}
  void setMaxLen(uint16_t n) { longest = n; }
  void setWriteCallback(write_cb_t callback, bool deferred = true) { on_write = callback, (void)deferred; }
  void begin();
  void write(const void *bytes, uint16_t length);
  bool notify(uint16_t handle, const void *bytes, uint16_t length);
  bool notifyEnabled(uint16_t) { return true; }
};

struct BLEBas {
  void begin() {}
  void write(uint8_t level);
  void notify(uint16_t, uint8_t level) { write(level); }
};

struct BLEConnection {
  uint16_t mtu;
  uint16_t getMtu() { return mtu; }
  void requestDataLengthUpdate() {}
  void requestMtuExchange(uint16_t) {}
};

struct FakePeripheral {
  void (*on_connect)(uint16_t);
  void (*on_disconnect)(uint16_t, uint8_t);
  void setConnInterval(uint16_t, uint16_t) {}
  void setConnectCallback(void (*callback)(uint16_t)) { on_connect = callback; }
  void setDisconnectCallback(void (*callback)(uint16_t, uint8_t)) { on_disconnect = callback; }
};

struct FakeAdvertising {
  void addFlags(int) {}
  void addService(BLEService &) {}
  void addName() {}
  void setInterval(int, int) {}
  void restartOnDisconnect(bool) {}
  void start(int);
};

struct FakeBluefruit {
  FakePeripheral Periph;
  FakeAdvertising Advertising;
  BLEConnection host;
  bool connected = false;
  BLEConnection *Connection(uint16_t) { return connected ? &host : nullptr; }
  void configPrphBandwidth(int) {}
  void begin() {}
  void setName(const char *name);
};
extern FakeBluefruit Bluefruit;
