#include "environment.h"

namespace disback {

Environment& Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

void check(napi_env env, napi_status status, const char* what) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw PendingException();
  throw ArgumentError(std::string("wrong type: ") + what);
}

void throwToJs(napi_env env, const std::string& message, const std::string& operatorName) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  Environment& environment = Environment::of(env);
  napi_value text, name, constructor, error;
  napi_create_string_utf8(env, message.c_str(), message.size(), &text);
  napi_create_string_utf8(env, operatorName.c_str(), operatorName.size(), &name);
  if (environment.errorConstructor &&
      napi_get_reference_value(env, environment.errorConstructor, &constructor) == napi_ok) {
    napi_value arguments[] = {text, name};
    if (napi_new_instance(env, constructor, 2, arguments, &error) == napi_ok) {
      napi_throw(env, error);
      return;
    }
  }
  napi_throw_error(env, nullptr, message.c_str());
}

}  // namespace disback
