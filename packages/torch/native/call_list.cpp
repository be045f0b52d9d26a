// The CPU's captured step: the list of its operators' calls below autograd. A replay makes the calls again. What a call
// gives lives until its last use, as in the plain step. Only tensors that JavaScript still holds after the capture are
// results of the step: a replay copies the new values into them.
#include "capture.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace disback {
namespace {

using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
using WeakStorage = c10::weak_intrusive_ptr<c10::StorageImpl>;

// A tensor in the list: one from outside the step, a call's result, or a view of a result that autograd made without an
// operator.
struct Operand {
  int slot = -1;
  at::Tensor outside;
  struct View {
    std::vector<int64_t> sizes, strides;
    int64_t offset;
  };
  std::optional<View> view;
};

// An argument: a plain value, a tensor, or a list of tensors (some of which may be absent).
struct Argument {
  enum Kind { kValue, kTensor, kList, kOptionalList } kind = kValue;
  c10::IValue value;
  std::vector<std::optional<Operand>> operands;
};

struct Call {
  c10::OperatorHandle op;
  std::vector<Argument> arguments;
  // Slot of each result's tensors in order; -1 for one that was there before.
  std::vector<int> results;
  bool isView = false;
  // Slots whose last use this is.
  std::vector<int> dying;
};

struct Result {
  int slot;
  at::Tensor place;
};

bool changesSomething(const c10::OperatorHandle& op) {
  for (const c10::Argument& argument : op.schema().arguments())
    if (argument.alias_info() && argument.alias_info()->isWrite()) return true;
  return false;
}


bool draws(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::nondeterministic_seeded);
}

template <typename Visit>
void eachTensor(const c10::IValue& value, const Visit& visit) {
  if (value.isTensor()) {
    visit(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) visit(tensor);
  }
}

// Whether all that the call gave are views of its arguments. The schema alone does not tell: `to` may copy.
bool gaveViews(const c10::OperatorHandle& op, const Stack& arguments, const Stack& results) {
  if (changesSomething(op) || results.empty()) return false;
  bool views = true;
  for (const c10::IValue& result : results)
    eachTensor(result, [&](const at::Tensor& view) {
      bool shared = false;
      for (const c10::IValue& argument : arguments)
        eachTensor(argument, [&](const at::Tensor& tensor) {
          shared = shared || (view.defined() && tensor.defined() && view.is_alias_of(tensor));
        });
      views = views && shared;
    });
  return views;
}

class CallList : public Capture {
 public:
  void begin() override {
    calls_.clear();
    results_.clear();
    slots_.clear();
    made_.clear();
  }

  void observe(const c10::OperatorHandle& op, const Stack& arguments, const Stack& results) override {
    Call call{op, {}, {}, gaveViews(op, arguments, results), {}};
    call.arguments.reserve(arguments.size());
    for (const c10::IValue& value : arguments) call.arguments.push_back(argumentOf(value));
    for (const c10::IValue& value : results)
      eachTensor(value, [&](const at::Tensor& tensor) { call.results.push_back(slotOf(tensor)); });
    calls_.push_back(std::move(call));
  }

  void end() override {
    for (size_t slot = 0; slot < made_.size(); slot++)
      if (auto held = made_[slot].lock()) results_.push_back({static_cast<int>(slot), at::Tensor(std::move(held)).tensor_data()});
    keepHeldMemory();
    known_.clear();
    storages_.clear();
    made_.clear();
    outside_.clear();
    dropUnused();
    takeViewsOfOutside();
    findLastUses();
  }

  void replay() override {
    const c10::InferenceMode withoutGraph(true);
    Stack stack;
    for (const Call& call : calls_) {
      stack.clear();
      for (const Argument& argument : call.arguments) stack.push_back(valueOf(argument));
      call.op.callBoxed(stack);
      keepResults(call, stack);
      for (const int slot : call.dying) slots_[slot].reset();
    }
    for (const Result& result : results_) {
      result.place.copy_(slots_[result.slot]);
      slots_[result.slot].reset();
    }
  }

 private:
  struct Known {
    WeakTensor tensor;
    int slot;
  };
  // Memory made by a call, and the slot of its first tensor.
  struct KnownStorage {
    WeakStorage storage;
    int slot;
    Operand::View layout;
    at::ScalarType type;
  };

  std::vector<Call> calls_;
  std::vector<Result> results_;
  std::vector<at::Tensor> slots_;
  // During a capture. Weak references keep addresses from being given to others.
  std::unordered_map<c10::TensorImpl*, Known> known_;
  std::unordered_map<c10::StorageImpl*, KnownStorage> storages_;
  std::unordered_map<c10::TensorImpl*, at::Tensor> outside_;
  std::vector<WeakTensor> made_;

  static c10::StorageImpl* storageOf(const at::Tensor& tensor) {
    return tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
  }

  static Operand::View layoutOf(const at::Tensor& tensor) {
    return {tensor.sizes().vec(), tensor.strides().vec(), tensor.storage_offset()};
  }

  // A result may be held through an alias that no operator made.
  void keepHeldMemory() {
    std::unordered_set<c10::StorageImpl*> kept;
    for (const Result& result : results_) kept.insert(storageOf(result.place));
    for (auto& [address, known] : storages_) {
      auto held = known.storage.lock();
      if (!held || kept.count(address)) continue;
      const auto options = at::TensorOptions(known.type).device(held->device());
      results_.push_back({known.slot, at::empty({0}, options)
                                          .set_(c10::Storage(std::move(held)), known.layout.offset, known.layout.sizes,
                                                known.layout.strides)});
    }
  }

  Operand operandOf(const at::Tensor& tensor) {
    if (!tensor.defined()) return {-1, tensor, std::nullopt};
    const auto found = known_.find(tensor.unsafeGetTensorImpl());
    if (found != known_.end()) return {found->second.slot, {}, std::nullopt};
    c10::StorageImpl* const storage = storageOf(tensor);
    const auto shared = storages_.find(storage);
    if (storage && shared != storages_.end())
      return {shared->second.slot, {}, layoutOf(tensor)};
    outside_.emplace(tensor.unsafeGetTensorImpl(), tensor);
    return {-1, tensor, std::nullopt};
  }

  Argument argumentOf(const c10::IValue& value) {
    Argument argument;
    if (value.isTensor()) {
      argument.kind = Argument::kTensor;
      argument.operands.push_back(operandOf(value.toTensor()));
    } else if (value.isTensorList()) {
      argument.kind = Argument::kList;
      for (const at::Tensor& tensor : value.toTensorVector()) argument.operands.push_back(operandOf(tensor));
    } else if (value.isOptionalTensorList()) {
      argument.kind = Argument::kOptionalList;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        argument.operands.push_back(tensor ? std::optional(operandOf(*tensor)) : std::nullopt);
    } else {
      argument.value = value;
    }
    return argument;
  }

  // A new slot for a result; -1 for a tensor that was there before, which a call changed.
  int slotOf(const at::Tensor& tensor) {
    if (!tensor.defined()) return -1;
    c10::TensorImpl* const address = tensor.unsafeGetTensorImpl();
    const auto found = known_.find(address);
    if (found != known_.end()) return found->second.slot;
    if (outside_.count(address)) return -1;
    const int slot = static_cast<int>(made_.size());
    made_.emplace_back(tensor.getIntrusivePtr());
    slots_.emplace_back();
    known_.emplace(address, Known{WeakTensor(tensor.getIntrusivePtr()), slot});
    c10::StorageImpl* const storage = storageOf(tensor);
    if (storage && !storages_.count(storage)) {
      // Memory from outside, of which this is a view, is no result's.
      bool isOutside = false;
      for (const auto& [_, other] : outside_) isOutside = isOutside || storageOf(other) == storage;
      if (!isOutside)
        storages_.emplace(storage, KnownStorage{WeakStorage(tensor.storage().getWeakStorageImpl()), slot,
                                                layoutOf(tensor), tensor.scalar_type()});
    }
    return slot;
  }

  static void eachSlot(const Call& call, const std::function<void(int)>& visit) {
    for (const Argument& argument : call.arguments)
      for (const auto& operand : argument.operands)
        if (operand && operand->slot >= 0) visit(operand->slot);
  }

  // Drops calls whose results nobody uses and that change nothing.
  void dropUnused() {
    std::vector<bool> used(slots_.size(), false);
    for (const Result& result : results_) used[result.slot] = true;
    std::vector<bool> dropped(calls_.size(), false);
    for (size_t i = calls_.size(); i-- > 0;) {
      const Call& call = calls_[i];
      bool needed = changesSomething(call.op) || draws(call.op);
      for (const int slot : call.results) needed = needed || (slot >= 0 && used[slot]);
      dropped[i] = !needed;
      if (needed) eachSlot(call, [&](int slot) { used[slot] = true; });
    }
    size_t i = 0;
    std::erase_if(calls_, [&](const Call&) { return dropped[i++]; });
  }

  // Views of tensors from outside, such as transposed weights, are made once.
  void takeViewsOfOutside() {
    const c10::InferenceMode withoutGraph(true);
    std::vector<at::Tensor> fixed(slots_.size());
    std::vector<bool> given(slots_.size(), false);
    for (const Result& result : results_) given[result.slot] = true;
    std::vector<Call> kept;
    for (Call& call : calls_) {
      for (Argument& argument : call.arguments)
        for (auto& operand : argument.operands)
          if (operand && operand->slot >= 0 && fixed[operand->slot].defined()) settle(*operand, fixed[operand->slot]);
      bool free = call.isView && !call.results.empty();
      eachSlot(call, [&](int) { free = false; });
      for (const int slot : call.results) free = free && slot >= 0 && !given[slot];
      if (!free) {
        kept.push_back(std::move(call));
        continue;
      }
      Stack stack;
      for (const Argument& argument : call.arguments) stack.push_back(valueOf(argument));
      call.op.callBoxed(stack);
      size_t at = 0;
      for (const c10::IValue& value : stack)
        eachTensor(value, [&](const at::Tensor& tensor) { fixed[call.results[at++]] = tensor; });
    }
    calls_ = std::move(kept);
  }

  static void settle(Operand& operand, const at::Tensor& tensor) {
    operand.outside = operand.view ? viewOf(tensor, *operand.view) : tensor;
    operand.slot = -1;
    operand.view.reset();
  }

  void findLastUses() {
    std::vector<int> last(slots_.size(), -1);
    for (size_t i = 0; i < calls_.size(); i++) {
      // A result that nobody uses dies at once.
      for (const int slot : calls_[i].results)
        if (slot >= 0) last[slot] = static_cast<int>(i);
      eachSlot(calls_[i], [&](int slot) { last[slot] = static_cast<int>(i); });
    }
    for (const Result& result : results_) last[result.slot] = -1;
    for (size_t slot = 0; slot < last.size(); slot++)
      if (last[slot] >= 0) calls_[last[slot]].dying.push_back(static_cast<int>(slot));
  }

  static at::Tensor viewOf(const at::Tensor& tensor, const Operand::View& view) {
    if (tensor.sizes() == view.sizes && tensor.strides() == view.strides && tensor.storage_offset() == view.offset)
      return tensor;
    return tensor.as_strided(view.sizes, view.strides, view.offset);
  }

  at::Tensor tensorOf(const Operand& operand) const {
    if (operand.slot < 0) return operand.outside;
    const at::Tensor& tensor = slots_[operand.slot];
    return operand.view ? viewOf(tensor, *operand.view) : tensor;
  }

  c10::IValue valueOf(const Argument& argument) const {
    switch (argument.kind) {
      case Argument::kTensor:
        return tensorOf(*argument.operands[0]);
      case Argument::kList: {
        c10::List<at::Tensor> list;
        for (const auto& operand : argument.operands) list.push_back(tensorOf(*operand));
        return list;
      }
      case Argument::kOptionalList: {
        c10::List<std::optional<at::Tensor>> list;
        for (const auto& operand : argument.operands)
          list.push_back(operand ? std::optional(tensorOf(*operand)) : std::nullopt);
        return list;
      }
      default:
        return argument.value;
    }
  }

  void keepResults(const Call& call, const Stack& stack) {
    size_t at = 0;
    for (const c10::IValue& value : stack)
      eachTensor(value, [&](const at::Tensor& tensor) {
        const int slot = call.results[at++];
        if (slot >= 0) slots_[slot] = tensor;
      });
  }
};

}  // namespace

std::unique_ptr<Capture> createCallList() { return std::make_unique<CallList>(); }

}  // namespace disback
