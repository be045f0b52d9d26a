// Includes nothing of libtorch: this file is compiled for newer processors than the rest, and a template of theirs
// instantiated here could end up in use everywhere.
#include "convolution_kernels.h"

#include <algorithm>
#include <cstring>

namespace disback::convolution {
namespace {

using Vector = float __attribute__((vector_size(32)));
using Loose = float __attribute__((vector_size(32), aligned(4), may_alias));

constexpr int64_t kPanel = 16;  // columns of a product that stay in registers
constexpr int kRows = 6;        // 6 rows of 2 vectors: 12 of 16 registers
constexpr int64_t kPad = 16;    // keeps the 16 planes out of one set of the cache

inline Vector load(const float* from) { return *reinterpret_cast<const Loose*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Loose*>(to) = value; }
inline Vector broadcast(float value) { return Vector{value, value, value, value, value, value, value, value}; }

// c [Rows, 8 Vectors] (= start or 0, or += if `add`) sum over k of a[row * rowStride + k * depthStride] * b[k * bStride].
template <int Rows, int Vectors>
inline void block(const float* a, int64_t rowStride, int64_t depthStride, const float* b, int64_t bStride,
                  int64_t depth, float* c, int64_t cStride, const float* start, bool add) {
  Vector sum[Rows][Vectors];
#pragma GCC unroll 8
  for (int row = 0; row < Rows; row++)
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; vector++)
      sum[row][vector] = add     ? load(c + row * cStride + vector * kLanes)
                         : start ? load(start + vector * kLanes)
                                 : Vector{};
  for (int64_t k = 0; k < depth; k++) {
    Vector right[Vectors];
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; vector++) right[vector] = load(b + k * bStride + vector * kLanes);
#pragma GCC unroll 8
    for (int row = 0; row < Rows; row++) {
      const Vector left = broadcast(a[row * rowStride + k * depthStride]);
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; vector++) sum[row][vector] += left * right[vector];
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < Rows; row++)
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; vector++) store(c + row * cStride + vector * kLanes, sum[row][vector]);
}

template <int Vectors>
void column(int64_t rows, const float* a, int64_t rowStride, int64_t depthStride, const float* b, int64_t bStride,
            int64_t depth, float* c, int64_t cStride, const float* start, bool add) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows)
    block<kRows, Vectors>(a + row * rowStride, rowStride, depthStride, b, bStride, depth, c + row * cStride, cStride,
                          start, add);
  for (; row + 2 <= rows; row += 2)
    block<2, Vectors>(a + row * rowStride, rowStride, depthStride, b, bStride, depth, c + row * cStride, cStride, start,
                      add);
  for (; row < rows; row++)
    block<1, Vectors>(a + row * rowStride, rowStride, depthStride, b, bStride, depth, c + row * cStride, cStride, start,
                      add);
}

// One panel of columns, 16 or the last 8.
inline void panel(int64_t width, int64_t rows, const float* a, int64_t rowStride, int64_t depthStride, const float* b,
                  int64_t bStride, int64_t depth, float* c, int64_t cStride, const float* start, bool add) {
  if (width == kPanel)
    column<2>(rows, a, rowStride, depthStride, b, bStride, depth, c, cStride, start, add);
  else
    column<1>(rows, a, rowStride, depthStride, b, bStride, depth, c, cStride, start, add);
}

inline int64_t widthAt(int64_t first, int64_t columns) { return std::min(kPanel, columns - first); }

// Calls use(tile in chunk, image, row, column of its first pixel) for the tiles of a chunk.
template <typename Use>
inline void eachTile(const Shape& shape, int64_t first, int64_t count, Use use) {
  const int64_t columns = shape.tileColumns(), perImage = columns * shape.tileRows();
  int64_t image = first / perImage, row = first % perImage / columns, at = first % columns;
  for (int64_t tile = 0; tile < count; tile++) {
    use(tile, image, 2 * row, 2 * at);
    if (++at < columns) continue;
    at = 0;
    if (++row < shape.tileRows()) continue;
    row = 0;
    image++;
  }
}

struct Chunk {
  int64_t first, count, inPlane, outPlane;
};

Chunk chunkAt(const Shape& shape, int64_t index) {
  const int64_t size = shape.chunk(), first = index * size;
  return {first, std::min(size, shape.tiles() - first), size * shape.in + kPad, size * shape.out + kPad};
}

// B^T d B of every tile: planes [16][tile][in].
void transformInput(const Shape& shape, const Chunk& chunk, const float* input, float* planes) {
  const int64_t channels = shape.in;
  alignas(32) static const float zeros[kLanes] = {};
  eachTile(shape, chunk.first, chunk.count, [&](int64_t tile, int64_t image, int64_t top, int64_t left) {
    const float* pixels[16];
    int64_t steps[16];
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 4; x++) {
        const int64_t row = top + y - 1, at = left + x - 1;
        const bool inside = row >= 0 && row < shape.height && at >= 0 && at < shape.width;
        pixels[4 * y + x] = inside ? input + ((image * shape.height + row) * shape.width + at) * channels : zeros;
        steps[4 * y + x] = inside;
      }
    for (int64_t channel = 0; channel < channels; channel += kLanes) {
      Vector half[16];
#pragma GCC unroll 4
      for (int x = 0; x < 4; x++) {
        Vector d[4];
#pragma GCC unroll 4
        for (int y = 0; y < 4; y++) d[y] = load(pixels[4 * y + x] + channel * steps[4 * y + x]);
        half[x] = d[0] - d[2];
        half[4 + x] = d[1] + d[2];
        half[8 + x] = d[2] - d[1];
        half[12 + x] = d[1] - d[3];
      }
      float* to = planes + tile * channels + channel;
#pragma GCC unroll 4
      for (int y = 0; y < 4; y++) {
        const Vector* d = half + 4 * y;
        store(to + (4 * y + 0) * chunk.inPlane, d[0] - d[2]);
        store(to + (4 * y + 1) * chunk.inPlane, d[1] + d[2]);
        store(to + (4 * y + 2) * chunk.inPlane, d[2] - d[1]);
        store(to + (4 * y + 3) * chunk.inPlane, d[1] - d[3]);
      }
    }
  });
}

// A g A^T of every tile: planes [16][panel][tile][16].
void transformGradient(const Shape& shape, const Chunk& chunk, const float* gradient, float* planes) {
  const int64_t channels = shape.out;
  alignas(32) static const float zeros[kLanes] = {};
  eachTile(shape, chunk.first, chunk.count, [&](int64_t tile, int64_t image, int64_t top, int64_t left) {
    const float* pixels[4];
    int64_t steps[4];
    for (int y = 0; y < 2; y++)
      for (int x = 0; x < 2; x++) {
        const bool inside = top + y < shape.height && left + x < shape.width;
        pixels[2 * y + x] =
            inside ? gradient + ((image * shape.height + top + y) * shape.width + left + x) * channels : zeros;
        steps[2 * y + x] = inside;
      }
    for (int64_t first = 0; first < channels; first += kPanel) {
      const int64_t width = widthAt(first, channels);
      for (int64_t lane = 0; lane < width; lane += kLanes) {
        Vector g[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) g[i] = load(pixels[i] + (first + lane) * steps[i]);
        const Vector rows[4][2] = {
            {g[0], g[1]}, {g[0] + g[2], g[1] + g[3]}, {g[0] - g[2], g[1] - g[3]}, {-g[2], -g[3]}};
        float* to = planes + first * chunk.count + tile * width + lane;
#pragma GCC unroll 4
        for (int y = 0; y < 4; y++) {
          store(to + (4 * y + 0) * chunk.outPlane, rows[y][0]);
          store(to + (4 * y + 1) * chunk.outPlane, rows[y][0] + rows[y][1]);
          store(to + (4 * y + 2) * chunk.outPlane, rows[y][0] - rows[y][1]);
          store(to + (4 * y + 3) * chunk.outPlane, -rows[y][1]);
        }
      }
    }
  });
}

// A^T m A of every tile, to its pixels.
void transformOutput(const Shape& shape, const Chunk& chunk, const float* planes, const float* bias, float* output) {
  const int64_t channels = shape.out;
  eachTile(shape, chunk.first, chunk.count, [&](int64_t tile, int64_t image, int64_t top, int64_t left) {
    float* pixel = output + ((image * shape.height + top) * shape.width + left) * channels;
    const int64_t down = shape.width * channels;
    const bool lower = top + 1 < shape.height, right = left + 1 < shape.width;
    for (int64_t first = 0; first < channels; first += kPanel) {
      const int64_t width = widthAt(first, channels);
      for (int64_t lane = 0; lane < width; lane += kLanes) {
        const float* from = planes + first * chunk.count + tile * width + lane;
        Vector upper[4], under[4];
#pragma GCC unroll 4
        for (int x = 0; x < 4; x++) {
          Vector m[4];
#pragma GCC unroll 4
          for (int y = 0; y < 4; y++) m[y] = load(from + (4 * y + x) * chunk.outPlane);
          upper[x] = m[0] + m[1] + m[2];
          under[x] = m[1] - m[2] - m[3];
        }
        const Vector start = bias ? load(bias + first + lane) : Vector{};
        float* to = pixel + first + lane;
        store(to, start + upper[0] + upper[1] + upper[2]);
        if (right) store(to + channels, start + upper[1] - upper[2] - upper[3]);
        if (!lower) continue;
        store(to + down, start + under[0] + under[1] + under[2]);
        if (right) store(to + down + channels, start + under[1] - under[2] - under[3]);
      }
    }
  });
}

// G w G^T of 8 filters of one row of the product, `w[9]`, to the 16 planes.
inline void transformFilters(const float (&filters)[9][kLanes], float* to, int64_t plane) {
  Vector half[4][3];
#pragma GCC unroll 3
  for (int x = 0; x < 3; x++) {
    const Vector w0 = load(filters[x]), w1 = load(filters[3 + x]), w2 = load(filters[6 + x]);
    half[0][x] = w0;
    half[1][x] = 0.5f * (w0 + w1 + w2);
    half[2][x] = 0.5f * (w0 - w1 + w2);
    half[3][x] = w2;
  }
#pragma GCC unroll 4
  for (int y = 0; y < 4; y++) {
    const Vector* w = half[y];
    store(to + (4 * y + 0) * plane, w[0]);
    store(to + (4 * y + 1) * plane, 0.5f * (w[0] + w[1] + w[2]));
    store(to + (4 * y + 2) * plane, 0.5f * (w[0] - w[1] + w[2]));
    store(to + (4 * y + 3) * plane, w[2]);
  }
}

inline int64_t weightPlane(int64_t in, int64_t out) { return in * out + kPad; }

}  // namespace

bool supported() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

int64_t Shape::chunk() const {
  const int64_t cached = (int64_t{48} << 10) / (16 * (in + out));
  return std::min(tiles(), std::max<int64_t>(96, cached));
}

int64_t transformedWeights(int64_t in, int64_t out) { return 16 * weightPlane(in, out); }

int64_t workspace(const Shape& shape) { return 16 * (shape.chunk() * (shape.in + shape.out) + 2 * kPad); }

void transformWeights(const float* weight, int64_t in, int64_t out, float* transformed) {
  for (int64_t first = 0; first < out; first += kPanel) {
    const int64_t width = widthAt(first, out);
    for (int64_t channel = 0; channel < in; channel++)
      for (int64_t lane = 0; lane < width; lane += kLanes) {
        alignas(32) float filters[9][kLanes];
        for (int64_t i = 0; i < kLanes; i++) {
          const float* from = weight + ((first + lane + i) * in + channel) * 9;
          for (int tap = 0; tap < 9; tap++) filters[tap][i] = from[tap];
        }
        transformFilters(filters, transformed + first * in + channel * width + lane, weightPlane(in, out));
      }
  }
}

void transformWeightsForGradient(const float* weight, int64_t in, int64_t out, float* transformed) {
  for (int64_t first = 0; first < in; first += kPanel) {
    const int64_t width = widthAt(first, in);
    for (int64_t channel = 0; channel < out; channel++)
      for (int64_t lane = 0; lane < width; lane += kLanes) {
        alignas(32) float filters[9][kLanes];
        const float* from = weight + (channel * in + first + lane) * 9;
        for (int64_t i = 0; i < kLanes; i++)
          for (int tap = 0; tap < 9; tap++) filters[8 - tap][i] = from[9 * i + tap];
        transformFilters(filters, transformed + first * out + channel * width + lane, weightPlane(out, in));
      }
  }
}

void forward(const Shape& shape, int64_t index, const float* input, const float* transformed, const float* bias,
             float* output, float* workspace) {
  const Chunk chunk = chunkAt(shape, index);
  float* products = workspace + 16 * chunk.inPlane;
  transformInput(shape, chunk, input, workspace);
  const int64_t plane = weightPlane(shape.in, shape.out);
  for (int at = 0; at < 16; at++)
    for (int64_t first = 0; first < shape.out; first += kPanel) {
      const int64_t width = widthAt(first, shape.out);
      panel(width, chunk.count, workspace + at * chunk.inPlane, shape.in, 1, transformed + at * plane + first * shape.in,
            width, shape.in, products + at * chunk.outPlane + first * chunk.count, width, nullptr, false);
    }
  transformOutput(shape, chunk, products, bias, output);
}

void addWeightGradient(const Shape& shape, int64_t index, const float* input, const float* gradient, float* sum,
                       float* workspace) {
  const Chunk chunk = chunkAt(shape, index);
  float* gradients = workspace + 16 * chunk.inPlane;
  transformInput(shape, chunk, input, workspace);
  transformGradient(shape, chunk, gradient, gradients);
  for (int at = 0; at < 16; at++)
    for (int64_t first = 0; first < shape.out; first += kPanel) {
      const int64_t width = widthAt(first, shape.out);
      panel(width, shape.in, workspace + at * chunk.inPlane, 1, shape.in,
            gradients + at * chunk.outPlane + first * chunk.count, width, chunk.count,
            sum + at * shape.in * shape.out + first, shape.out, nullptr, true);
    }
}

void finishWeightGradient(const float* sum, int64_t in, int64_t out, float* weightGradient) {
  const int64_t plane = in * out;
  for (int64_t first = 0; first < out; first += kLanes)
    for (int64_t channel = 0; channel < in; channel++) {
      const float* from = sum + channel * out + first;
      Vector half[3][4];
#pragma GCC unroll 4
      for (int x = 0; x < 4; x++) {
        Vector u[4];
#pragma GCC unroll 4
        for (int y = 0; y < 4; y++) u[y] = load(from + (4 * y + x) * plane);
        half[0][x] = u[0] + 0.5f * (u[1] + u[2]);
        half[1][x] = 0.5f * (u[1] - u[2]);
        half[2][x] = 0.5f * (u[1] + u[2]) + u[3];
      }
      alignas(32) float taps[9][kLanes];
#pragma GCC unroll 3
      for (int y = 0; y < 3; y++) {
        const Vector* u = half[y];
        store(taps[3 * y], u[0] + 0.5f * (u[1] + u[2]));
        store(taps[3 * y + 1], 0.5f * (u[1] - u[2]));
        store(taps[3 * y + 2], 0.5f * (u[1] + u[2]) + u[3]);
      }
      for (int64_t i = 0; i < kLanes; i++) {
        float* to = weightGradient + ((first + i) * in + channel) * 9;
        for (int tap = 0; tap < 9; tap++) to[tap] = taps[tap][i];
      }
    }
}

void packMatrix(const float* matrix, int64_t depth, int64_t columns, bool transposed, float* packed) {
  for (int64_t first = 0; first < columns; first += kPanel) {
    const int64_t width = widthAt(first, columns);
    for (int64_t k = 0; k < depth; k++)
      for (int64_t i = 0; i < width; i++)
        packed[first * depth + k * width + i] =
            transposed ? matrix[k * columns + first + i] : matrix[(first + i) * depth + k];
  }
}

void multiply(int64_t rows, int64_t depth, int64_t columns, const float* input, const float* packed, const float* bias,
              float* output) {
  for (int64_t first = 0; first < columns; first += kPanel)
    panel(widthAt(first, columns), rows, input, depth, 1, packed + first * depth, widthAt(first, columns), depth,
          output + first, columns, bias ? bias + first : nullptr, false);
}

void addProduct(int64_t rows, int64_t in, int64_t out, const float* input, const float* gradient, float* sum) {
  for (int64_t first = 0; first < out; first += kPanel)
    panel(widthAt(first, out), in, input, 1, in, gradient + first, out, rows, sum + first, out, nullptr, true);
}

}  // namespace disback::convolution
