/* Runs kneeflex_packet.h on the host: one question a line on stdin, one answer a line on stdout. */
#include "kneeflex_packet.h"

#include <stdio.h>
#include <stdlib.h>

static char line[1 << 16];

static unsigned long next_number(void) { return strtoul(strtok(NULL, " \n"), NULL, 10); }
static int16_t next_i16(void) { return (int16_t)strtol(strtok(NULL, " \n"), NULL, 10); }
static float next_float(void) { return strtof(strtok(NULL, " \n"), NULL); }

static size_t next_bytes(uint8_t *into) {
  const char *text = strtok(NULL, " \n");
  size_t i;
  for (i = 0; text && text[2 * i] != '\0'; i++) {
    char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
    into[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return i;
}

static void print_bytes(const uint8_t *bytes, size_t length) {
  size_t i;
  for (i = 0; i < length; i++) {
    printf("%02x", bytes[i]);
  }
  printf(" ");
}

static void answer_packets(void) {
  kf_packet packet;
  size_t limit = next_number(), n = next_number(), i;
  kf_packet_clear(&packet);
  for (i = 0; i < n; i++) {
    uint16_t sequence = (uint16_t)next_number();
    uint32_t clock_us = (uint32_t)next_number();
    uint16_t period_us = (uint16_t)next_number();
    kf_sample sample;
    int axis;
    for (axis = 0; axis < 3; axis++) sample.acc[axis] = next_i16();
    for (axis = 0; axis < 3; axis++) sample.gyr[axis] = next_i16();
    if (!kf_packet_add(&packet, limit, sequence, clock_us, period_us, &sample)) {
      print_bytes(packet.bytes, packet.length);
      kf_packet_clear(&packet);
      if (!kf_packet_add(&packet, limit, sequence, clock_us, period_us, &sample)) abort();
    }
  }
  print_bytes(packet.bytes, packet.length);
}

static void answer_configuration(void) {
  uint8_t firmware[3], out[64];
  uint16_t rates[16], rate;
  float acc, gyr;
  uint8_t i, offered;
  for (i = 0; i < 3; i++) firmware[i] = (uint8_t)next_number();
  acc = next_float();
  gyr = next_float();
  rate = (uint16_t)next_number();
  offered = (uint8_t)next_number();
  for (i = 0; i < offered; i++) rates[i] = (uint16_t)next_number();
  print_bytes(out, kf_encode_configuration(out, firmware, acc, gyr, rate, rates, offered));
}

static void answer_command(void) {
  uint8_t bytes[64];
  uint16_t wanted = 0;
  size_t length = next_bytes(bytes);
  kf_command command = kf_decode_command(bytes, length, &wanted);
  printf(command == KF_START ? "start %u" : command == KF_STOP ? "stop" : "unknown", (unsigned)wanted);
}

static void answer_choice(void) {
  uint16_t rates[16], wanted = (uint16_t)next_number();
  size_t offered = next_number(), i;
  for (i = 0; i < offered; i++) rates[i] = (uint16_t)next_number();
  printf("%u", (unsigned)rates[kf_choose_rate(rates, offered, wanted)]);
}

int main(void) {
  while (fgets(line, sizeof line, stdin)) {
    const char *what = strtok(line, " \n");
    if (!strcmp(what, "packets")) {
      answer_packets();
    } else if (!strcmp(what, "configuration")) {
      answer_configuration();
    } else if (!strcmp(what, "command")) {
      answer_command();
    } else if (!strcmp(what, "choice")) {
      answer_choice();
    } else if (!strcmp(what, "echo")) {
      uint8_t token[KF_PING_BYTES], out[KF_ECHO_BYTES];
      next_bytes(token);
      kf_encode_echo(out, token, (uint32_t)next_number());
      print_bytes(out, sizeof out);
    } else if (!strcmp(what, "fit")) {
      size_t mtu = next_number();
      printf("%u", (unsigned)kf_samples_per_packet(mtu, (uint16_t)next_number()));
    } else if (!strcmp(what, "uuids")) {
      printf("%s %s %s %s %s", KF_UUID_SERVICE, KF_UUID_DATA, KF_UUID_CONFIGURATION, KF_UUID_CONTROL, KF_UUID_PING);
    } else if (!strcmp(what, "reversed")) {
      const uint8_t uuid[16] = KF_UUID_BYTES(3);
      print_bytes(uuid, sizeof uuid);
    }
    printf("\n");
  }
  return 0;
}
