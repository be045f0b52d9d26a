#pragma once

namespace disback {

// Throws if a step is being captured, because this work would not be repeated on replay.
void requireNoCapture(const char* what);

}  // namespace disback
