#pragma once
#include "environment.h"

#include <ATen/core/Generator.h>

namespace disback {
at::Generator generatorArgument(napi_env env, napi_value value, const char* name);
}
