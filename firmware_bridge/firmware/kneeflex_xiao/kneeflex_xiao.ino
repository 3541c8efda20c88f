/* A kneeflex sensor: Seeed XIAO nRF52840 Sense (nRF52840, LSM6DS3TR-C).
 *
 * Board package "Seeed nRF52 Boards" (the one without mbed), which brings Bluefruit; no other library.
 * Flash two boards with the same sketch: their names differ by the serial number of the chip.
 * The profile is described in docs/gatt-profile.md. Not yet tried on a board.
 */
#include <Wire.h>
#include <bluefruit.h>

#include "kneeflex_packet.h"

static const uint8_t FIRMWARE[3] = {1, 0, 0};

/* LSM6DS3TR-C: +-16 g at 0.488 mg and +-2000 deg/s at 70 mdeg/s a count, from its data sheet. */
static const float ACC_SCALE_M_S2 = 0.000488f * 9.80665f;
static const float GYR_SCALE_RAD_S = 0.070f * 0.01745329252f;
static const uint16_t RATES[] = {260, 520, 1040, 2080, 4160};
static const uint8_t RATE_CODES[] = {0x20, 0x30, 0x40, 0x50, 0x60};
static const uint8_t OFFERED = sizeof RATE_CODES;

static const uint8_t IMU_ADDRESS = 0x6A;
enum { DRDY_PULSE_CFG = 0x0B, INT1_CTRL = 0x0D, WHO_AM_I = 0x0F, CTRL1_XL = 0x10, CTRL2_G = 0x11, CTRL3_C = 0x12,
       OUTX_L_G = 0x22 };

static const uint8_t UUIDS[5][16] = {KF_UUID_BYTES(1), KF_UUID_BYTES(2), KF_UUID_BYTES(3), KF_UUID_BYTES(4),
                                     KF_UUID_BYTES(5)};
static BLEService service(UUIDS[0]);
static BLECharacteristic data(UUIDS[1]);
static BLECharacteristic configuration(UUIDS[2]);
static BLECharacteristic control(UUIDS[3]);
static BLECharacteristic ping(UUIDS[4]);
static BLEBas battery;

static volatile uint16_t connection = BLE_CONN_HANDLE_INVALID;
static volatile bool wanted = false;         /* a command is waiting for loop() */
static volatile uint16_t wanted_rate = 0;    /* 0 to stop */

static volatile uint32_t measured = 0;       /* samples since the start, counted by the interrupt */
static volatile uint32_t measured_us = 0;    /* the clock at the newest of them */

static uint16_t rate = 0;
static uint16_t period_us = 0;
static bool period_is_new = true;            /* nominal until it is measured */
static uint32_t handled = 0;
static kf_packet packet;

/* ---- The clock: a timer of its own, for micros() of this core steps by 977 us. ---- */

enum { CLOCK_SETUP, CLOCK_INTERRUPT, CLOCK_PING }; /* capture registers, one for each context that reads */

static void clock_begin(void) {
  sd_clock_hfclk_request(); /* the crystal: without it the timer runs from an oscillator that is off by percents */
  NRF_TIMER3->MODE = TIMER_MODE_MODE_Timer;
  NRF_TIMER3->BITMODE = TIMER_BITMODE_BITMODE_32Bit;
  NRF_TIMER3->PRESCALER = 4; /* 16 MHz / 2^4 */
  NRF_TIMER3->TASKS_START = 1;
}

static uint32_t clock_us(int reader) {
  NRF_TIMER3->TASKS_CAPTURE[reader] = 1;
  return NRF_TIMER3->CC[reader];
}

/* ---- The IMU ---- */

static void imu_write(uint8_t address, uint8_t value) {
  Wire1.beginTransmission(IMU_ADDRESS);
  Wire1.write(address);
  Wire1.write(value);
  Wire1.endTransmission();
}

static bool imu_read(uint8_t address, uint8_t *into, uint8_t count) {
  Wire1.beginTransmission(IMU_ADDRESS);
  Wire1.write(address);
  if (Wire1.endTransmission(false) != 0 || Wire1.requestFrom(IMU_ADDRESS, count) != count) {
    return false;
  }
  for (uint8_t i = 0; i < count; i++) {
    into[i] = (uint8_t)Wire1.read();
  }
  return true;
}

static bool imu_sample(kf_sample *sample) {
  uint8_t raw[KF_SAMPLE_BYTES]; /* the angular rate comes first */
  if (!imu_read(OUTX_L_G, raw, sizeof raw)) {
    return false;
  }
  for (int axis = 0; axis < 3; axis++) {
    sample->gyr[axis] = (int16_t)kf_get_u16(raw + 2 * axis);
    sample->acc[axis] = (int16_t)kf_get_u16(raw + 6 + 2 * axis);
  }
  return true;
}

static void imu_interrupt(void) {
  measured_us = clock_us(CLOCK_INTERRUPT);
  measured++;
}

static bool imu_begin(void) {
  pinMode(PIN_LSM6DS3TR_C_POWER, OUTPUT);
  digitalWrite(PIN_LSM6DS3TR_C_POWER, HIGH);
  delay(30);
  Wire1.begin();
  Wire1.setClock(400000);
  uint8_t id = 0;
  if (!imu_read(WHO_AM_I, &id, 1) || (id != 0x6A && id != 0x69)) {
    return false;
  }
  imu_write(CTRL3_C, 0x44);        /* both bytes of a number from one sample; addresses count up */
  imu_write(DRDY_PULSE_CFG, 0x80); /* a pulse for every sample, so that unread ones are counted too */
  imu_write(INT1_CTRL, 0x02);      /* data ready of the gyroscope; acceleration is sampled with it */
  pinMode(PIN_LSM6DS3TR_C_INT1, INPUT);
  attachInterrupt(digitalPinToInterrupt(PIN_LSM6DS3TR_C_INT1), imu_interrupt, RISING);
  return true;
}

static void imu_run(int index) { /* -1 stops */
  imu_write(CTRL1_XL, index < 0 ? 0 : RATE_CODES[index] | 0x04);
  imu_write(CTRL2_G, index < 0 ? 0 : RATE_CODES[index] | 0x0C);
}

/* ---- The profile ---- */

static void publish_configuration(void) {
  uint8_t bytes[KF_CONFIGURATION_BYTES + 2 * sizeof RATE_CODES];
  size_t length =
      kf_encode_configuration(bytes, FIRMWARE, ACC_SCALE_M_S2, GYR_SCALE_RAD_S, rate, RATES, OFFERED);
  configuration.write(bytes, length);
}

static void apply(uint16_t wanted_decihertz) {
  imu_run(-1);
  rate = 0;
  if (wanted_decihertz != 0) {
    size_t index = kf_choose_rate(RATES, OFFERED, wanted_decihertz);
    rate = RATES[index];
    period_us = (uint16_t)(10000000UL / rate);
    period_is_new = true;
    kf_packet_clear(&packet);
    noInterrupts();
    measured = handled = 0;
    interrupts();
    imu_run((int)index);
  }
  publish_configuration();
}

/* The true period, over 1 to 8 seconds of samples, since the oscillator of an IMU is off by percents. */
static void measure_period(uint32_t count, uint32_t now_us) {
  static uint32_t from_count, from_us;
  if (period_is_new) {
    period_is_new = false;
    from_count = count;
    from_us = now_us;
  } else if (now_us - from_us >= 1000000UL) {
    period_us = (uint16_t)((now_us - from_us + (count - from_count) / 2) / (count - from_count));
    if (now_us - from_us >= 8000000UL) {
      from_count = count;
      from_us = now_us;
    }
  }
}

static void send_packet(void) {
  uint16_t to = connection;
  if (kf_packet_samples(&packet) > 0 && to != BLE_CONN_HANDLE_INVALID && data.notifyEnabled(to)) {
    data.notify(to, packet.bytes, packet.length); /* what does not fit is dropped: the sequence tells */
  }
  kf_packet_clear(&packet);
}

static void take_sample(void) {
  noInterrupts();
  uint32_t count = measured, now_us = measured_us;
  interrupts();
  if (count == handled) {
    return;
  }
  handled = count;
  kf_sample sample;
  if (!imu_sample(&sample) || measured != count) {
    return; /* unreadable, or already overwritten by the next one: it counts as lost */
  }
  measure_period(count, now_us);
  BLEConnection *host = Bluefruit.Connection(connection);
  size_t limit = kf_samples_per_packet(host ? host->getMtu() : 23, rate);
  uint16_t sequence = (uint16_t)(count - 1);
  if (!kf_packet_add(&packet, limit, sequence, now_us, period_us, &sample)) {
    send_packet();
    kf_packet_add(&packet, limit, sequence, now_us, period_us, &sample);
  }
  if (kf_packet_samples(&packet) >= limit) {
    send_packet();
  }
}

static void on_control(uint16_t, BLECharacteristic *, uint8_t *bytes, uint16_t length) {
  uint16_t asked = 0;
  kf_command command = kf_decode_command(bytes, length, &asked);
  if (command != KF_UNKNOWN) {
    wanted_rate = command == KF_START ? asked : 0;
    wanted = true;
  }
}

static void on_ping(uint16_t from, BLECharacteristic *, uint8_t *bytes, uint16_t length) {
  uint32_t now_us = clock_us(CLOCK_PING); /* first of all */
  uint8_t echo[KF_ECHO_BYTES];
  if (length == KF_PING_BYTES) {
    kf_encode_echo(echo, bytes, now_us);
    ping.notify(from, echo, sizeof echo);
  }
}

static void on_connect(uint16_t handle) {
  BLEConnection *host = Bluefruit.Connection(handle);
  host->requestDataLengthUpdate();
  host->requestMtuExchange(KF_PACKET_BYTES + KF_ATT_OVERHEAD);
  connection = handle;
}

static void on_disconnect(uint16_t, uint8_t) {
  connection = BLE_CONN_HANDLE_INVALID;
  wanted_rate = 0;
  wanted = true;
}

static void begin_characteristic(BLECharacteristic &characteristic, uint8_t properties, uint16_t longest) {
  bool read = properties & (CHR_PROPS_READ | CHR_PROPS_NOTIFY);
  bool write = properties & (CHR_PROPS_WRITE | CHR_PROPS_WRITE_WO_RESP);
  characteristic.setProperties(properties);
  characteristic.setPermission(read ? SECMODE_OPEN : SECMODE_NO_ACCESS, write ? SECMODE_OPEN : SECMODE_NO_ACCESS);
  characteristic.setMaxLen(longest);
  characteristic.begin();
}

static void report_battery(void) {
  /* A lithium cell behind a divider of 1 M and 510 k, against a reference of 3.0 V and 12 bits. */
  analogReference(AR_INTERNAL_3_0);
  analogReadResolution(12);
  pinMode(VBAT_ENABLE, OUTPUT);
  digitalWrite(VBAT_ENABLE, LOW);
  float volts = analogRead(PIN_VBAT) * 3.0f / 4096.0f * 1510.0f / 510.0f;
  float percent = (volts - 3.3f) / (4.15f - 3.3f) * 100.0f;
  uint8_t level = percent < 0 ? 0 : percent > 100 ? 100 : (uint8_t)percent;
  battery.write(level);
  if (connection != BLE_CONN_HANDLE_INVALID) {
    battery.notify(connection, level);
  }
}

void setup(void) {
  static char name[] = "KF-0000";
  static const char digits[] = "0123456789ABCDEF";
  for (int i = 0; i < 4; i++) {
    name[3 + i] = digits[(NRF_FICR->DEVICEID[0] >> (12 - 4 * i)) & 0xF];
  }
  Bluefruit.configPrphBandwidth(BANDWIDTH_MAX); /* allows an MTU of 247 and a queue of notifications */
  Bluefruit.begin();
  Bluefruit.setName(name);
  Bluefruit.Periph.setConnInterval(6, 12); /* 7.5 to 15 ms */
  Bluefruit.Periph.setConnectCallback(on_connect);
  Bluefruit.Periph.setDisconnectCallback(on_disconnect);
  clock_begin();

  service.begin();
  begin_characteristic(data, CHR_PROPS_NOTIFY, KF_PACKET_BYTES);
  begin_characteristic(configuration, CHR_PROPS_READ, KF_CONFIGURATION_BYTES + 2 * OFFERED);
  control.setWriteCallback(on_control);
  begin_characteristic(control, CHR_PROPS_WRITE, 3);
  ping.setWriteCallback(on_ping, false); /* in the task of the radio itself, without a queue in between */
  begin_characteristic(ping, CHR_PROPS_WRITE | CHR_PROPS_WRITE_WO_RESP | CHR_PROPS_NOTIFY, KF_ECHO_BYTES);
  publish_configuration();
  battery.begin();
  report_battery();

  if (!imu_begin()) { /* do not advertise a sensor that measures nothing */
    pinMode(LED_RED, OUTPUT);
    for (;;) {
      digitalToggle(LED_RED);
      delay(200);
    }
  }
  Bluefruit.Advertising.addFlags(BLE_GAP_ADV_FLAGS_LE_ONLY_GENERAL_DISC_MODE);
  Bluefruit.Advertising.addService(service);
  Bluefruit.Advertising.addName();
  Bluefruit.Advertising.setInterval(32, 160); /* 20 to 100 ms */
  Bluefruit.Advertising.restartOnDisconnect(true);
  Bluefruit.Advertising.start(0);
}

void loop(void) {
  static uint32_t last_report_ms = 0;
  if (wanted) {
    wanted = false;
    apply(wanted_rate);
  }
  if (rate != 0) {
    take_sample();
  } else {
    delay(5);
  }
  if (millis() - last_report_ms > 30000UL) {
    last_report_ms = millis();
    report_battery();
  }
}
