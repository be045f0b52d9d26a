// Faster convolutions for float32 images on the CPU, in the place of libtorch's own.
#pragma once

namespace disback {

// Puts ours into libtorch's dispatcher, under `aten::convolution` and its backward, so that every network has them.
// Calls that ours are not made for go on to libtorch's. Nothing happens on processors that cannot run them.
void installConvolutions();

}  // namespace disback
