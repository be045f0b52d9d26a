#pragma once

namespace disback {

// Throws if a step is being captured: what is done here would not be done again with it.
void requireNoCapture(const char* what);

}  // namespace disback
