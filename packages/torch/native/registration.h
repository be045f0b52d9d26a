#pragma once
#include <node_api.h>

namespace disback {

inline void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

void registerAutograd(napi_env env, napi_value exports);
void registerCollectives(napi_env env, napi_value exports);
void registerOperators(napi_env env, napi_value exports);
void registerGraph(napi_env env, napi_value exports);
void registerProfile(napi_env env, napi_value exports);
void registerRandom(napi_env env, napi_value exports);
void registerRuntime(napi_env env, napi_value exports);
void registerScript(napi_env env, napi_value exports);
void registerStorage(napi_env env, napi_value exports);

}  // namespace disback
