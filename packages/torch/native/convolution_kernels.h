// Convolutions over channels that lie side by side (channels-last), in plain C++ on vectors of 8 floats.
#pragma once
#include <cstdint>

namespace disback::convolution {

// Channels come in whole vectors: `in` and `out` are multiples of this.
constexpr int64_t kLanes = 8;

struct Shape {
  int64_t batch, height, width, in, out;

  int64_t tileRows() const { return (height + 1) / 2; }
  int64_t tileColumns() const { return (width + 1) / 2; }
  int64_t tiles() const { return batch * tileRows() * tileColumns(); }
  // Tiles that are worked on together: few enough to stay in the second-level cache, many enough to reuse weights.
  int64_t chunk() const;
  int64_t chunks() const { return (tiles() + chunk() - 1) / chunk(); }
};

// Whether this processor can run the functions below.
bool supported();

// 3x3, stride 1, a border of one zero, by Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray 2015, section 4.1):
// 16 products in place of 36 for each 2x2 pixels, channel and filter.

// Floats of transformed weights, and of one thread's workspace.
int64_t transformedWeights(int64_t in, int64_t out);
int64_t workspace(const Shape& shape);
// weight [out, in, 3, 3] as in PyTorch, for y = conv(x, weight).
void transformWeights(const float* weight, int64_t in, int64_t out, float* transformed);
// The same weight for the gradient at the input, which is a convolution from `out` to `in` channels.
void transformWeightsForGradient(const float* weight, int64_t in, int64_t out, float* transformed);
// One chunk of output [N, H, W, out] from input [N, H, W, in]; bias [out] or null.
void forward(const Shape& shape, int64_t chunk, const float* input, const float* transformed, const float* bias,
             float* output, float* workspace);
// Adds one chunk's part of the weight's gradient, in transformed form: 16 * in * out floats.
void addWeightGradient(const Shape& shape, int64_t chunk, const float* input, const float* gradient, float* sum,
                       float* workspace);
// weightGradient [out, in, 3, 3] from that sum.
void finishWeightGradient(const float* sum, int64_t in, int64_t out, float* weightGradient);

// 1x1: matrix products of rows, which are pixels.

// transformed: in * out floats; [out, in] as in PyTorch, or its transpose for the gradient at the input.
void packMatrix(const float* matrix, int64_t depth, int64_t columns, bool transposed, float* packed);
// output [rows, columns] = input [rows, depth] * packed + bias
void multiply(int64_t rows, int64_t depth, int64_t columns, const float* input, const float* packed, const float* bias,
              float* output);
// sum [in, out] += input [rows, in]^T * gradient [rows, out]
void addProduct(int64_t rows, int64_t in, int64_t out, const float* input, const float* gradient, float* sum);

}  // namespace disback::convolution
