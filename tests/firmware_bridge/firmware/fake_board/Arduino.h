/* The part of the board's core that the sketch uses, on a simulated clock. See board.cpp. */
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

enum { LOW, HIGH, INPUT, OUTPUT, RISING, AR_INTERNAL_3_0 };
enum {
  PIN_LSM6DS3TR_C_POWER = 15,
  PIN_LSM6DS3TR_C_INT1 = 18,
  VBAT_ENABLE = 14,
  PIN_VBAT = 32,
  LED_RED = 11
};

extern uint64_t simulated_us;
extern void (*interrupt_handler)();

inline void pinMode(int, int) {}
inline void digitalWrite(int, int) {}
inline void digitalToggle(int) {}
inline void analogReference(int) {}
inline void analogReadResolution(int) {}
inline int analogRead(int) { return 1730; } /* 3.75 V at the cell */
inline void noInterrupts() {}
inline void interrupts() {}
inline int digitalPinToInterrupt(int pin) { return pin; }
inline void attachInterrupt(int, void (*handler)(), int) { interrupt_handler = handler; }
inline uint32_t millis() { return (uint32_t)(simulated_us / 1000); }
void pass(uint64_t us); /* time goes by, with the interrupts that fall into it */
inline void delay(uint32_t ms) { pass(1000ull * ms); }

/* A timer that counts microseconds from a start just below its wrap. */
enum { TIMER_MODE_MODE_Timer, TIMER_BITMODE_BITMODE_32Bit };
struct FakeTimer {
  int MODE, BITMODE, PRESCALER, TASKS_START;
  uint32_t CC[4];
  struct Capture {
    uint32_t *into;
    void operator=(int);
  } TASKS_CAPTURE[4];
};
extern FakeTimer *NRF_TIMER3;
struct FakeFactory {
  uint32_t DEVICEID[2];
};
extern FakeFactory *NRF_FICR;
inline void sd_clock_hfclk_request() {}
