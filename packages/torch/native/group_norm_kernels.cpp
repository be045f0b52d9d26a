// Channels (or pixels) are worked on in vectors. Each channel's sums are added in an order that the vector's width does
// not change, so AVX2 and AVX-512 give the same bits, as do all numbers of threads.
#include "group_norm_kernels.h"

#include "instruction_sets.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#pragma GCC diagnostic ignored "-Wpsabi"

namespace disback {
namespace {

// Pixels summed in single precision before a sum in double precision takes over.
constexpr int64_t kChunk = 256;

template <int W>
struct Vector {
  typedef float Float __attribute__((vector_size(W * 4)));
  typedef int32_t Int __attribute__((vector_size(W * 4)));
};
template <int W>
using Float = typename Vector<W>::Float;

template <int W>
DISBACK_INLINE void load(Float<W>& to, const float* from) {
  std::memcpy(&to, from, sizeof(to));
}
template <int W>
DISBACK_INLINE void store(float* to, const Float<W>& from) {
  std::memcpy(to, &from, sizeof(from));
}

// sigmoid(u) to about one unit in the last place: 1 / (1 + 2^n e^r), e^r by Cephes' polynomial.
template <int W>
DISBACK_INLINE void sigmoid(Float<W>& result, const Float<W>& u) {
  using Int = typename Vector<W>::Int;
  const Float<W> zero = {};
  Float<W> t = -u;
  t = t > 88.0f ? zero + 88.0f : t;
  t = t < -88.0f ? zero - 88.0f : t;
  const float magic = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the rounded number
  const Float<W> shifted = t * 1.44269504f + magic;
  const Float<W> n = shifted - magic;
  const Float<W> r = (t - n * 0.693359375f) + n * 2.12194440e-4f;
  Float<W> p = zero + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Int bits, power;
  std::memcpy(&bits, &p, sizeof(p));
  std::memcpy(&power, &shifted, sizeof(shifted));
  bits += power << 23;
  std::memcpy(&p, &bits, sizeof(p));
  result = 1.0f / (1.0f + p);
}

// Gradient before SiLU from the one after it.
template <int W>
DISBACK_INLINE void throughSilu(Float<W>& gradient, const Float<W>& u) {
  Float<W> s;
  sigmoid<W>(s, u);
  gradient = gradient * (s * (1.0f + u * (1.0f - s)));
}

// Calls body.template operator()<W>(offset) for the channels or pixels from `first` to before `last`.
template <int W, typename Body>
DISBACK_INLINE void eachVector(int64_t first, int64_t last, const Body& body) {
  for (; first + W <= last; first += W) body.template operator()<W>(first);
  if constexpr (W > 4) eachVector<W / 2>(first, last, body);
  else if constexpr (W == 4) eachVector<1>(first, last, body);
}

struct Moments {
  double sum = 0, square = 0;
};

// Sums of x - x0 and its square for W channels, whose pixels are `stride` apart; x0 is the first pixel.
template <int W>
DISBACK_INLINE void channelMoments(const float* x, int64_t pixels, int64_t stride, Moments* moments) {
  Float<W> origin;
  load<W>(origin, x);
  for (int64_t begin = 0; begin < pixels; begin += kChunk) {
    const int64_t end = std::min(pixels, begin + kChunk);
    Float<W> sum[4] = {}, square[4] = {};
    int64_t p = begin;
    for (; p + 4 <= end; p += 4)
      for (int k = 0; k < 4; k++) {
        Float<W> value;
        load<W>(value, x + (p + k) * stride);
        value -= origin;
        sum[k] += value;
        square[k] += value * value;
      }
    for (; p < end; p++) {
      Float<W> value;
      load<W>(value, x + p * stride);
      value -= origin;
      sum[0] += value;
      square[0] += value * value;
    }
    const Float<W> sums = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    const Float<W> squares = (square[0] + square[1]) + (square[2] + square[3]);
    for (int i = 0; i < W; i++) {
      moments[i].sum += sums[i];
      moments[i].square += squares[i];
    }
  }
}

// The sum of 16 lanes, in an order of its own whatever the vectors' width.
inline float sumOf(float (&lanes)[16]) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

// The same for a channel whose pixels lie together.
template <int W>
DISBACK_INLINE Moments rowMoments(const float* x, int64_t pixels) {
  Moments total;
  const int64_t whole = pixels / 16 * 16;
  const Float<W> origin = Float<W>{} + x[0];
  for (int64_t begin = 0; begin < whole; begin += 16 * kChunk) {
    const int64_t end = std::min(whole, begin + 16 * kChunk);
    Float<W> sum[16 / W] = {}, square[16 / W] = {};
    for (int64_t p = begin; p < end; p += 16)
      for (int k = 0; k < 16 / W; k++) {
        Float<W> value;
        load<W>(value, x + p + k * W);
        value -= origin;
        sum[k] += value;
        square[k] += value * value;
      }
    float sums[16], squares[16];
    std::memcpy(sums, sum, sizeof(sums));
    std::memcpy(squares, square, sizeof(squares));
    total.sum += sumOf(sums);
    total.square += sumOf(squares);
  }
  for (int64_t p = whole; p < pixels; p++) {
    const double value = static_cast<double>(x[p]) - x[0];
    total.sum += value;
    total.square += value * value;
  }
  return total;
}

// Mean and 1 / sqrt(variance + eps) of each group from its channels' moments about their first pixel.
inline void finishStatistics(const NormShape& shape, const float* x, int64_t channelStride, const Moments* moments,
                             int64_t first, int64_t last, float* mean, float* rstd) {
  const int64_t width = shape.channels / shape.groups;
  const double count = static_cast<double>(shape.pixels);
  for (int64_t group = first; group < last; group++) {
    const Moments* const own = moments + (group - first) * width;
    const float* const origin = x + group * width * channelStride;
    double total = 0;
    for (int64_t c = 0; c < width; c++) total += origin[c * channelStride] + own[c].sum / count;
    const double average = total / static_cast<double>(width);
    double variance = 0;
    for (int64_t c = 0; c < width; c++) {
      const double from = own[c].sum / count;
      const double apart = origin[c * channelStride] + from - average;
      variance += std::max(0.0, own[c].square / count - from * from) + apart * apart;
    }
    variance /= static_cast<double>(width);
    mean[group] = static_cast<float>(average);
    // A NaN among the inputs is one of the sums.
    rstd[group] = static_cast<float>(1 / std::sqrt(variance + shape.eps + (total - total)));
  }
}

template <int W, bool Silu>
DISBACK_INLINE void forward(const NormShape& shape, const NormForward& at, int64_t first, int64_t last) {
  const int64_t width = shape.channels / shape.groups, pixels = shape.pixels;
  const int64_t begin = first * width, end = last * width, channels = shape.channels;
  std::vector<Moments> moments(end - begin);
  std::vector<float> factors(2 * (end - begin));
  float *const factor = factors.data(), *const offset = factor + (end - begin);
  if (shape.channelsLast) {
    eachVector<W>(begin, end, [&]<int V>(int64_t c) __attribute__((always_inline)) {
      channelMoments<V>(at.x + c, pixels, channels, moments.data() + (c - begin));
    });
  } else {
    for (int64_t c = begin; c < end; c++) moments[c - begin] = rowMoments<W>(at.x + c * pixels, pixels);
  }
  finishStatistics(shape, at.x, shape.channelsLast ? 1 : pixels, moments.data(), first, last, at.mean, at.rstd);
  for (int64_t c = begin; c < end; c++) {
    const int64_t group = c / width;
    factor[c - begin] = at.weight[c] * at.rstd[group];
    offset[c - begin] = at.bias[c] - at.mean[group] * factor[c - begin];
  }
  const auto apply = [&]<int V>(int64_t place, const Float<V>& a, const Float<V>& b) __attribute__((always_inline)) {
    Float<V> value;
    load<V>(value, at.x + place);
    value = value * a + b;
    if constexpr (Silu) {
      Float<V> s;
      sigmoid<V>(s, value);
      value = value * s;
    }
    store<V>(at.y + place, value);
  };
  if (shape.channelsLast) {
    for (int64_t p = 0; p < pixels; p++)
      eachVector<W>(begin, end, [&]<int V>(int64_t c) __attribute__((always_inline)) {
        Float<V> a, b;
        load<V>(a, factor + (c - begin));
        load<V>(b, offset + (c - begin));
        apply.template operator()<V>(p * channels + c, a, b);
      });
    return;
  }
  for (int64_t c = begin; c < end; c++)
    eachVector<W>(0, pixels, [&]<int V>(int64_t p) __attribute__((always_inline)) {
      apply.template operator()<V>(c * pixels + p, Float<V>{} + factor[c - begin], Float<V>{} + offset[c - begin]);
    });
}

struct Sums {
  double gradient = 0, scaled = 0;
};

// What both sums of the backward pass need of a channel.
template <int W>
struct Channel {
  Float<W> mean, rstd, weight, bias;
};

// Puts the gradient before SiLU where the input's gradient will be, and adds to both sums.
template <int W, bool Silu>
DISBACK_INLINE void beforeSilu(const NormBackward& at, int64_t place, const Channel<W>& channel, Float<W>& gradients,
                               Float<W>& scaled) {
  Float<W> value, gradient;
  load<W>(value, at.x + place);
  load<W>(gradient, at.gradient + place);
  const Float<W> normalized = (value - channel.mean) * channel.rstd;
  if constexpr (Silu) throughSilu<W>(gradient, normalized * channel.weight + channel.bias);
  store<W>(at.input + place, gradient);
  gradients += gradient;
  scaled += gradient * normalized;
}

template <int W, bool Silu>
DISBACK_INLINE void channelSums(const NormShape& shape, const NormBackward& at, int64_t c, const float* mean,
                                const float* rstd, Sums* sums) {
  Channel<W> channel;
  load<W>(channel.mean, mean);
  load<W>(channel.rstd, rstd);
  load<W>(channel.weight, at.weight + c);
  load<W>(channel.bias, at.bias + c);
  for (int64_t begin = 0; begin < shape.pixels; begin += kChunk) {
    const int64_t end = std::min(shape.pixels, begin + kChunk);
    Float<W> gradients = {}, scaled = {};
    for (int64_t p = begin; p < end; p++) beforeSilu<W, Silu>(at, p * shape.channels + c, channel, gradients, scaled);
    for (int i = 0; i < W; i++) {
      sums[i].gradient += gradients[i];
      sums[i].scaled += scaled[i];
    }
  }
}

template <int W, bool Silu>
DISBACK_INLINE Sums rowSums(const NormShape& shape, const NormBackward& at, int64_t c, float mean, float rstd) {
  Sums total;
  const Float<W> zero = {};
  const Channel<W> channel{zero + mean, zero + rstd, zero + at.weight[c], zero + at.bias[c]};
  const int64_t row = c * shape.pixels, whole = shape.pixels / 16 * 16;
  for (int64_t begin = 0; begin < whole; begin += 16 * kChunk) {
    const int64_t end = std::min(whole, begin + 16 * kChunk);
    Float<W> gradients[16 / W] = {}, scaled[16 / W] = {};
    for (int64_t p = begin; p < end; p += 16)
      for (int k = 0; k < 16 / W; k++) beforeSilu<W, Silu>(at, row + p + k * W, channel, gradients[k], scaled[k]);
    float gradientSums[16], scaledSums[16];
    std::memcpy(gradientSums, gradients, sizeof(gradientSums));
    std::memcpy(scaledSums, scaled, sizeof(scaledSums));
    total.gradient += sumOf(gradientSums);
    total.scaled += sumOf(scaledSums);
  }
  const Float<1> none = {};
  const Channel<1> single{none + mean, none + rstd, none + at.weight[c], none + at.bias[c]};
  for (int64_t p = whole; p < shape.pixels; p++) {
    Float<1> gradient = {}, scaled = {};
    beforeSilu<1, Silu>(at, row + p, single, gradient, scaled);
    total.gradient += gradient[0];
    total.scaled += scaled[0];
  }
  return total;
}

template <int W, bool Silu>
DISBACK_INLINE void backward(const NormShape& shape, const NormBackward& at, int64_t first, int64_t last) {
  const int64_t width = shape.channels / shape.groups, pixels = shape.pixels;
  const int64_t begin = first * width, end = last * width, channels = shape.channels, count = end - begin;
  std::vector<Sums> sums(count);
  // For each channel: mean and rstd of its group, then the coefficients of the input's gradient.
  std::vector<float> values(5 * count);
  float *const mean = values.data(), *const rstd = mean + count, *const own = rstd + count, *const slope = own + count,
        *const level = slope + count;
  for (int64_t c = 0; c < count; c++) {
    mean[c] = at.mean[(begin + c) / width];
    rstd[c] = at.rstd[(begin + c) / width];
  }
  if (shape.channelsLast) {
    eachVector<W>(begin, end, [&]<int V>(int64_t c) __attribute__((always_inline)) {
      channelSums<V, Silu>(shape, at, c, mean + (c - begin), rstd + (c - begin), sums.data() + (c - begin));
    });
  } else {
    for (int64_t c = 0; c < count; c++) sums[c] = rowSums<W, Silu>(shape, at, begin + c, mean[c], rstd[c]);
  }
  // dx = rstd (weight dz - mean(weight dz) - normalized mean(weight dz normalized)), means over the group
  const double size = static_cast<double>(width * pixels);
  for (int64_t group = 0; group < last - first; group++) {
    double gradients = 0, scaled = 0;
    for (int64_t c = group * width; c < (group + 1) * width; c++) {
      at.sumGradient[begin + c] = static_cast<float>(sums[c].gradient);
      at.sumScaled[begin + c] = static_cast<float>(sums[c].scaled);
      gradients += at.weight[begin + c] * sums[c].gradient;
      scaled += at.weight[begin + c] * sums[c].scaled;
    }
    for (int64_t c = group * width; c < (group + 1) * width; c++) {
      own[c] = at.weight[begin + c] * rstd[c];
      slope[c] = static_cast<float>(-scaled / size) * rstd[c] * rstd[c];
      level[c] = static_cast<float>(-gradients / size) * rstd[c];
    }
  }
  const auto apply = [&]<int V>(int64_t place, const Float<V>& m, const Float<V>& a, const Float<V>& b,
                                const Float<V>& c) __attribute__((always_inline)) {
    Float<V> value, gradient;
    load<V>(value, at.x + place);
    load<V>(gradient, at.input + place);
    gradient = gradient * a + ((value - m) * b + c);
    store<V>(at.input + place, gradient);
  };
  if (shape.channelsLast) {
    for (int64_t p = 0; p < pixels; p++)
      eachVector<W>(begin, end, [&]<int V>(int64_t c) __attribute__((always_inline)) {
        Float<V> m, a, b, d;
        load<V>(m, mean + (c - begin));
        load<V>(a, own + (c - begin));
        load<V>(b, slope + (c - begin));
        load<V>(d, level + (c - begin));
        apply.template operator()<V>(p * channels + c, m, a, b, d);
      });
    return;
  }
  for (int64_t c = 0; c < count; c++)
    eachVector<W>(0, pixels, [&]<int V>(int64_t p) __attribute__((always_inline)) {
      const Float<V> zero = {};
      apply.template operator()<V>((begin + c) * pixels + p, zero + mean[c], zero + own[c], zero + slope[c],
                                   zero + level[c]);
    });
}

#define DISBACK_KERNELS(NAME, WIDTH, TARGET)                                                                \
  TARGET void forward##NAME(const NormShape& shape, const NormForward& at, int64_t first, int64_t last) {   \
    if (shape.silu) forward<WIDTH, true>(shape, at, first, last);                                           \
    else forward<WIDTH, false>(shape, at, first, last);                                                     \
  }                                                                                                         \
  TARGET void backward##NAME(const NormShape& shape, const NormBackward& at, int64_t first, int64_t last) { \
    if (shape.silu) backward<WIDTH, true>(shape, at, first, last);                                          \
    else backward<WIDTH, false>(shape, at, first, last);                                                    \
  }                                                                                                         \
  constexpr NormKernels kernels##NAME{forward##NAME, backward##NAME};

DISBACK_EACH_SET(DISBACK_KERNELS)

}  // namespace

NormKernels normKernels(const char* capability) { DISBACK_RETURN_CHOSEN(); }

}  // namespace disback
