#pragma once

namespace disback {

// Throws if a step is being recorded: what is done here would not be done again with it.
void requireNoRecording(const char* what);

}  // namespace disback
