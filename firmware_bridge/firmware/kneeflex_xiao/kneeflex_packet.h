/* The bytes of the kneeflex GATT profile, version 1 (docs/gatt-profile.md).
 *
 * Portable C99 (and C++11), header only: no allocation, no state of its own, no dependence on the byte order
 * or on the alignment of the processor. Copy this one file into your own firmware.
 */
#ifndef KNEEFLEX_PACKET_H
#define KNEEFLEX_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KF_BASE_UUID(short_hex) "047c" short_hex "-82f7-4cef-8f61-85aaef83ba53"
#define KF_UUID_SERVICE KF_BASE_UUID("0001")
#define KF_UUID_DATA KF_BASE_UUID("0002")
#define KF_UUID_CONFIGURATION KF_BASE_UUID("0003")
#define KF_UUID_CONTROL KF_BASE_UUID("0004")
#define KF_UUID_PING KF_BASE_UUID("0005")

/* The same, from the last byte to the first, for stacks that take 16 bytes: the service is KF_UUID_BYTES(1). */
#define KF_UUID_BYTES(number)                                                                               \
  { 0x53, 0xBA, 0x83, 0xEF, 0xAA, 0x85, 0x61, 0x8F, 0xEF, 0x4C, 0xF7, 0x82, (number), 0x00, 0x7C, 0x04 }

enum {
  KF_PROFILE_VERSION = 1,
  KF_ATT_OVERHEAD = 3,
  KF_HEAD_BYTES = 8,
  KF_SAMPLE_BYTES = 12,
  KF_PACKET_BYTES = 244, /* what fits into a notification at an ATT MTU of 247 */
  KF_CONFIGURATION_BYTES = 16, /* and 2 for every offered rate */
  KF_PING_BYTES = 4,
  KF_ECHO_BYTES = 8
};

/* One sample in counts, three axes of a right-handed frame. */
typedef struct {
  int16_t acc[3];
  int16_t gyr[3];
} kf_sample;

/* A packet while it is being filled. */
typedef struct {
  uint8_t bytes[KF_PACKET_BYTES];
  size_t length; /* 0 while it is empty */
  uint16_t next_sequence;
} kf_packet;

/* What the host wrote to the control characteristic. Rates are in 0.1 Hz throughout. */
typedef enum { KF_UNKNOWN, KF_START, KF_STOP } kf_command;

static inline void kf_put_u16(uint8_t *out, uint16_t value) {
  out[0] = (uint8_t)(value & 0xFFu);
  out[1] = (uint8_t)(value >> 8);
}

static inline void kf_put_u32(uint8_t *out, uint32_t value) {
  kf_put_u16(out, (uint16_t)(value & 0xFFFFu));
  kf_put_u16(out + 2, (uint16_t)(value >> 16));
}

static inline void kf_put_f32(uint8_t *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  kf_put_u32(out, bits);
}

static inline uint16_t kf_get_u16(const uint8_t *in) { return (uint16_t)(in[0] | (uint16_t)(in[1] << 8)); }

/* How many samples a packet should hold: what the MTU allows and what is at most 40 ms old, at least 1. */
static inline size_t kf_samples_per_packet(size_t att_mtu, uint16_t rate_decihertz) {
  size_t room = att_mtu < KF_PACKET_BYTES + KF_ATT_OVERHEAD ? att_mtu : KF_PACKET_BYTES + KF_ATT_OVERHEAD;
  size_t fit = room > KF_ATT_OVERHEAD + KF_HEAD_BYTES
                   ? (room - KF_ATT_OVERHEAD - KF_HEAD_BYTES) / KF_SAMPLE_BYTES
                   : 0;
  size_t fresh = (size_t)rate_decihertz / 250u; /* 0.04 s, in 0.1 Hz */
  size_t samples = fit < fresh ? fit : fresh;
  return samples > 0 ? samples : 1;
}

/* How many samples the packet holds. */
static inline size_t kf_packet_samples(const kf_packet *packet) {
  return packet->length > KF_HEAD_BYTES ? (packet->length - KF_HEAD_BYTES) / KF_SAMPLE_BYTES : 0;
}

static inline void kf_packet_clear(kf_packet *packet) { packet->length = 0; }

/* Adds a sample. False where it does not belong into this packet, because `limit` samples are in it or because
 * samples are missing in between: then send the packet, clear it, and add the sample again.
 * `clock_us` and `period_us` (at least 1) are used when the sample is the first one. */
static inline bool kf_packet_add(kf_packet *packet, size_t limit, uint16_t sequence, uint32_t clock_us,
                                 uint16_t period_us, const kf_sample *sample) {
  uint8_t *out;
  int axis;
  if (packet->length == 0) {
    kf_put_u16(packet->bytes, sequence);
    kf_put_u32(packet->bytes + 2, clock_us);
    kf_put_u16(packet->bytes + 6, period_us > 0 ? period_us : 1);
    packet->length = KF_HEAD_BYTES;
    packet->next_sequence = sequence;
  }
  if (sequence != packet->next_sequence || kf_packet_samples(packet) >= limit ||
      packet->length + KF_SAMPLE_BYTES > KF_PACKET_BYTES) {
    return false;
  }
  out = packet->bytes + packet->length;
  for (axis = 0; axis < 3; axis++) {
    kf_put_u16(out + 2 * axis, (uint16_t)sample->acc[axis]);
    kf_put_u16(out + 6 + 2 * axis, (uint16_t)sample->gyr[axis]);
  }
  packet->length += KF_SAMPLE_BYTES;
  packet->next_sequence = (uint16_t)(sequence + 1u);
  return true;
}

/* Writes the configuration, KF_CONFIGURATION_BYTES + 2 * offered bytes; returns their number. The scales are
 * m/s2 and rad/s of one count, `rate` is 0 while there is no stream, `rates` are ascending. */
static inline size_t kf_encode_configuration(uint8_t *out, const uint8_t firmware[3], float acc_scale_m_s2,
                                             float gyr_scale_rad_s, uint16_t rate_decihertz,
                                             const uint16_t *rates_decihertz, uint8_t offered) {
  size_t i;
  out[0] = KF_PROFILE_VERSION;
  memcpy(out + 1, firmware, 3);
  kf_put_f32(out + 4, acc_scale_m_s2);
  kf_put_f32(out + 8, gyr_scale_rad_s);
  kf_put_u16(out + 12, rate_decihertz);
  out[14] = offered;
  out[15] = 0;
  for (i = 0; i < offered; i++) {
    kf_put_u16(out + KF_CONFIGURATION_BYTES + 2 * i, rates_decihertz[i]);
  }
  return KF_CONFIGURATION_BYTES + 2 * (size_t)offered;
}

/* Reads a command; for KF_START `wanted_decihertz` is the rate that was asked for. */
static inline kf_command kf_decode_command(const uint8_t *in, size_t length, uint16_t *wanted_decihertz) {
  if (length == 1 && in[0] == 0) {
    return KF_STOP;
  }
  if (length == 3 && in[0] == 1 && kf_get_u16(in + 1) != 0) {
    *wanted_decihertz = kf_get_u16(in + 1);
    return KF_START;
  }
  return KF_UNKNOWN;
}

/* The index of the lowest rate that is not below the wanted one, else of the highest. */
static inline size_t kf_choose_rate(const uint16_t *rates_decihertz, size_t offered, uint16_t wanted_decihertz) {
  size_t i = 0;
  while (i + 1 < offered && rates_decihertz[i] < wanted_decihertz) {
    i++;
  }
  return i;
}

/* Writes the answer to a ping, KF_ECHO_BYTES: the token as it came, and the clock at its arrival. */
static inline void kf_encode_echo(uint8_t *out, const uint8_t token[KF_PING_BYTES], uint32_t clock_us) {
  memcpy(out, token, KF_PING_BYTES);
  kf_put_u32(out + KF_PING_BYTES, clock_us);
}

#endif
