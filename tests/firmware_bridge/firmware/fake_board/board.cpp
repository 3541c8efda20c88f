/* Runs the sketch on a fake board. Standard input holds what happens, one line each:
 *   run MICROSECONDS | connect MTU | disconnect | control HEX | ping HEX | radio full|free
 * Standard output tells what the board did: name, characteristic, value, notify, battery, advertise. */
#include "kneeflex_xiao.ino"

#include <cstdio>
#include <cstdlib>

static const double TRUE_PERIODS_US[] = {0, 0, 39200.0, 19600.0, 9800.0, 4900.0, 2450.0}; /* 2 % slow */

uint64_t simulated_us = 0;
void (*interrupt_handler)() = nullptr;
static const uint32_t CLOCK_AT_START = 0xFFFFFFFFu - 3000000u;
static FakeTimer timer;
FakeTimer *NRF_TIMER3 = &timer;
static FakeFactory factory = {{0x1234BEEFu, 0}};
FakeFactory *NRF_FICR = &factory;
FakeWire Wire1;
FakeBluefruit Bluefruit;

static uint8_t registers[64];
static uint32_t imu_samples = 0; /* since the IMU runs */
static double next_sample_us = -1;
static bool radio_full = false;

void FakeTimer::Capture::operator=(int) { *into = CLOCK_AT_START + (uint32_t)simulated_us; }

static double imu_period_us() {
  int code = registers[CTRL2_G] >> 4;
  return registers[CTRL1_XL] >> 4 == code ? TRUE_PERIODS_US[code] : 0;
}

/* Sample n holds n + 1 ... n + 3 as angular rate and -n ... -n - 2 as acceleration. */
static void measure() {
  for (int axis = 0; axis < 3; axis++) {
    kf_put_u16(registers + OUTX_L_G + 2 * axis, (uint16_t)(imu_samples + 1 + axis));
    kf_put_u16(registers + OUTX_L_G + 6 + 2 * axis, (uint16_t)(-(int32_t)imu_samples - axis));
  }
  imu_samples++;
}

void pass(uint64_t us) {
  double until = (double)(simulated_us + us);
  while (next_sample_us >= 0 && next_sample_us <= until) {
    simulated_us = (uint64_t)next_sample_us;
    measure();
    next_sample_us += imu_period_us();
    if (registers[INT1_CTRL] == 0x02 && registers[DRDY_PULSE_CFG] == 0x80) interrupt_handler();
  }
  simulated_us = (uint64_t)until;
}

int FakeWire::endTransmission(bool) {
  pass(100);
  if (length == 2) {
    bool ran = imu_period_us() > 0;
    registers[sent[0]] = sent[1];
    bool runs = imu_period_us() > 0;
    if (runs && !ran) imu_samples = 0, next_sample_us = simulated_us + imu_period_us();
    if (!runs) next_sample_us = -1;
  }
  return 0;
}

uint8_t FakeWire::requestFrom(uint8_t, uint8_t count) {
  pass(25u * count);
  memcpy(answer, registers + sent[0], count);
  at = 0;
  return count;
}

static void print(const char *what, const uint8_t *uuid, const void *bytes, size_t length) {
  printf("%llu %s %u ", (unsigned long long)simulated_us, what, uuid[12]);
  for (size_t i = 0; i < length; i++) printf("%02x", ((const uint8_t *)bytes)[i]);
  printf("\n");
}

void BLECharacteristic::begin() { print("characteristic", uuid, &properties, 1); }

void BLECharacteristic::write(const void *bytes, uint16_t length) {
  if (length > longest) abort();
  print("value", uuid, bytes, length);
}

bool BLECharacteristic::notify(uint16_t handle, const void *bytes, uint16_t length) {
  if (handle != 1 || length > longest || length > Bluefruit.host.mtu - 3) abort();
  if (radio_full) return pass(100000), false; /* as the stack does: it waits, then gives up */
  print("notify", uuid, bytes, length);
  return true;
}

void BLEBas::write(uint8_t level) { printf("%llu battery 0 %02x\n", (unsigned long long)simulated_us, level); }
void FakeBluefruit::setName(const char *name) { printf("0 name 0 %s\n", name); }
void FakeAdvertising::start(int) { printf("0 advertise 0 \n"); }

static uint16_t parse(const char *text, uint8_t *into) {
  uint16_t n = 0;
  for (; text[2 * n]; n++) {
    char pair[3] = {text[2 * n], text[2 * n + 1], 0};
    into[n] = (uint8_t)strtoul(pair, nullptr, 16);
  }
  return n;
}

int main() {
  for (int i = 0; i < 4; i++) timer.TASKS_CAPTURE[i].into = &timer.CC[i];
  registers[WHO_AM_I] = 0x6A;
  setup();
  char what[32], value[64];
  while (scanf("%31s %63s", what, value) == 2) {
    uint8_t bytes[32];
    if (!strcmp(what, "run")) {
      for (uint64_t until = simulated_us + strtoull(value, nullptr, 10); simulated_us < until;) loop(), pass(150);
    } else if (!strcmp(what, "connect")) {
      Bluefruit.host.mtu = (uint16_t)atoi(value);
      Bluefruit.connected = true;
      Bluefruit.Periph.on_connect(1);
    } else if (!strcmp(what, "disconnect")) {
      Bluefruit.connected = false;
      Bluefruit.Periph.on_disconnect(1, 0x13);
    } else if (!strcmp(what, "radio")) {
      radio_full = !strcmp(value, "full");
    } else {
      BLECharacteristic &target = !strcmp(what, "ping") ? ping : control;
      target.on_write(1, &target, bytes, parse(value, bytes));
    }
  }
}
