#include "allocator.h"
#include "environment.h"
#include "operators.h"
#include "registration.h"

#include <c10/util/Logging.h>

#include <mutex>

NAPI_MODULE_INIT() {
  using namespace disback;
  static std::once_flag once;
  std::call_once(once, [] {
    // libtorch reads TORCH_CPP_LOG_LEVEL only here.
    c10::initLogging();
    if (!std::getenv("DISBACK_SYSTEM_ALLOCATOR")) installAllocator();
  });
  napi_set_instance_data(env, new Environment(env),
                         [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);
  registerOperators(env, exports);
  registerStorage(env, exports);
  registerAutograd(env, exports);
  registerCollectives(env, exports);
  registerGraph(env, exports);
  registerProfile(env, exports);
  registerRandom(env, exports);
  registerRuntime(env, exports);
  registerScript(env, exports);
  return exports;
}
