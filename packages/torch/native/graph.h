#pragma once

namespace disback {

// Throws if a step is being captured, because this work would not be repeated on replay. Before a capture it is noted.
void requireNoCapture(const char* what);

}  // namespace disback
