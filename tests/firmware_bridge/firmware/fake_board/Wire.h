/* The IMU behind the I2C bus. */
#pragma once
#include "Arduino.h"

struct FakeWire {
  uint8_t sent[8], answer[16];
  int length = 0, at = 0;
  void begin() {}
  void setClock(uint32_t) {}
  void beginTransmission(uint8_t) { length = 0; }
  void write(uint8_t byte) { sent[length++] = byte; }
  int endTransmission(bool stop = true);
  uint8_t requestFrom(uint8_t address, uint8_t count);
  int read() { return answer[at++]; }
};
extern FakeWire Wire1;
