// A CUDA machine on the processor: fibers, meetings of warps and blocks, memory between guards.
//
// What it finds: a thread that reads or writes outside its buffers (16 MiB that cannot be touched lie behind each and
// before it), or outside an array of known size; barriers that not all threads reach, or reach at different lines;
// warp meetings that a lane of the mask never comes to; misaligned vectors; and, by running the same launch in other
// orders, results that depend on the order of threads, which is what a missing barrier gives. Shared memory and fresh
// device memory are filled with noise. What it cannot find: reorderings inside the memory system, asynchronous copies.

#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include "machine.hpp"

using namespace emulator;

namespace {

constexpr size_t STACK_BYTES = 64 << 10;
constexpr unsigned THREADS_MAX = 1024;
constexpr unsigned DYNAMIC_SHARED_BYTES_MAX = 227 << 10;
constexpr unsigned STATIC_SHARED_BYTES_MAX = 48 << 10;
constexpr size_t GUARD_BYTES = 16 << 20;  // address space alone: a far index lands here, not in what others own
constexpr unsigned char NOISE = 0xff;  // every float made of it is no number

// splitmix64.
struct Draws {
    uint64_t state;
    uint64_t next() {
        uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    unsigned below(unsigned end) { return unsigned(next() % end); }
};

#if defined(__x86_64__)
// Keeps what a call must keep, exchanges the stacks.
extern "C" void azr_switch(void** from, void* to);
asm(R"(
.text
.globl azr_switch
.hidden azr_switch
azr_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

struct Context {
    void* stack = nullptr;
    void prepare(unsigned char* memory, size_t bytes, void (*entry)()) {
        auto top = reinterpret_cast<uintptr_t>(memory + bytes) & ~uintptr_t(15);
        auto words = reinterpret_cast<void**>(top) - 8;
        std::memset(words, 0, 8 * sizeof(void*));
        words[6] = reinterpret_cast<void*>(entry);  // the return address of the first switch
        stack = words;
    }
    void go(Context& to) { azr_switch(&stack, to.stack); }
};
#else
struct Context {
    ucontext_t state;
    void prepare(unsigned char* memory, size_t bytes, void (*entry)()) {
        getcontext(&state);
        state.uc_stack.ss_sp = memory;
        state.uc_stack.ss_size = bytes;
        state.uc_link = nullptr;
        makecontext(&state, entry, 0);
    }
    void go(Context& to) { swapcontext(&state, &to.state); }
};
#endif

enum class State { Ready, AtMeeting, AtGathering, Gone };

struct Fiber {
    Context context;
    Thread place{};
    State state = State::Gone;
    int kind = 0, line = 0, predicate = 0;
    unsigned mask = 0, pick = 0;
    uint64_t value = 0, answer = 0;
};

struct Stacks {
    unsigned char* memory = nullptr;
    Stacks() {
        void* at = mmap(nullptr, STACK_BYTES * THREADS_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at != MAP_FAILED) memory = static_cast<unsigned char*>(at);
        // The lowest page of each stack cannot be touched.
        for (unsigned i = 0; memory && i < THREADS_MAX; i++) mprotect(memory + i * STACK_BYTES, 4096, PROT_NONE);
    }
    ~Stacks() {
        if (memory) munmap(memory, STACK_BYTES * THREADS_MAX);
    }
};

// One launch at work on this thread of the host.
struct Machine {
    Stacks stacks;
    std::vector<Fiber> fibers;
    uint64_t ready[THREADS_MAX / 64];
    Fiber* now = nullptr;
    Context host;
    void (*kernel)(void**) = nullptr;
    void** arguments = nullptr;
    void* dynamic_shared = nullptr;
    uint64_t seed = 0;
    Draws draws{0};
    std::string fault;
    sigjmp_buf recovery;
    bool working = false;
};

Machine& machine() {
    static thread_local std::unique_ptr<Machine> it;
    if (!it) it = std::make_unique<Machine>();
    return *it;
}

std::string text(const char* format, ...) {
    char buffer[512];
    va_list rest;
    va_start(rest, format);
    vsnprintf(buffer, sizeof buffer, format, rest);
    va_end(rest);
    return buffer;
}

std::string name(const Fiber& it) {
    return text("thread (%u, %u, %u) of block (%u, %u, %u)", it.place.thread.x, it.place.thread.y, it.place.thread.z,
                it.place.block.x, it.place.block.y, it.place.block.z);
}

void mark(Machine& it, size_t fiber, bool ready) {
    uint64_t bit = uint64_t(1) << (fiber % 64);
    if (ready) it.ready[fiber / 64] |= bit;
    else it.ready[fiber / 64] &= ~bit;
}

void wake(Machine& it, Fiber& fiber) {
    fiber.state = State::Ready;
    mark(it, size_t(&fiber - it.fibers.data()), true);
}

void wait(State state) {
    Machine& it = machine();
    Fiber& self = *it.now;
    self.state = state;
    mark(it, size_t(&self - it.fibers.data()), false);
    self.context.go(it.host);
}

// Seed 0 runs the lowest thread that can, seed 1 the highest, all others a drawn one.
int choose(Machine& it) {
    constexpr int WORDS = THREADS_MAX / 64;
    if (it.seed == 0) {
        for (int word = 0; word < WORDS; word++)
            if (it.ready[word]) return word * 64 + __builtin_ctzll(it.ready[word]);
        return -1;
    }
    if (it.seed == 1) {
        for (int word = WORDS; word-- > 0;)
            if (it.ready[word]) return word * 64 + 63 - __builtin_clzll(it.ready[word]);
        return -1;
    }
    unsigned words = unsigned(it.fibers.size() + 63) / 64, first = it.draws.below(words), turn = it.draws.below(64);
    for (unsigned step = 0; step < words; step++) {
        uint64_t bits = it.ready[(first + step) % words];
        if (!bits) continue;
        uint64_t turned = turn ? (bits >> turn) | (bits << (64 - turn)) : bits;
        return int((first + step) % words * 64 + (unsigned(__builtin_ctzll(turned)) + turn) % 64);
    }
    return -1;
}

float widen(unsigned half) { return value_of<float>(uint64_t(half & 0xffff) << 16); }

// The layout of mma.m16n8k16: group = lane / 4, column pair = lane % 4.
void multiply(Fiber* warp) {
    struct Part { float* d; const unsigned* a; const unsigned* b; };
    float a[16][16], b[16][8];
    for (unsigned lane = 0; lane < 32; lane++) {
        auto part = *value_of<Part*>(warp[lane].value);
        unsigned group = lane / 4, pair = lane % 4 * 2;
        for (unsigned i = 0; i < 4; i++) {
            unsigned row = group + (i % 2) * 8, column = pair + (i / 2) * 8;
            a[row][column] = widen(part.a[i]);
            a[row][column + 1] = widen(part.a[i] >> 16);
        }
        for (unsigned i = 0; i < 2; i++) {
            b[pair + i * 8][group] = widen(part.b[i]);
            b[pair + i * 8 + 1][group] = widen(part.b[i] >> 16);
        }
    }
    for (unsigned lane = 0; lane < 32; lane++) {
        auto part = *value_of<Part*>(warp[lane].value);
        for (unsigned i = 0; i < 4; i++) {
            unsigned row = lane / 4 + (i / 2) * 8, column = lane % 4 * 2 + i % 2;
            double sum = part.d[i];
            for (unsigned k = 0; k < 16; k++) sum += double(a[row][k]) * double(b[k][column]);
            part.d[i] = float(sum);
        }
    }
}

uint64_t answer(Fiber* warp, unsigned lane) {
    Fiber& self = warp[lane];
    uint64_t result = self.kind == All ? 1 : self.kind == Least ? ~0u : 0;
    if (self.kind == Shuffle) return warp[self.pick].value;
    for (unsigned other = 0; other < 32; other++) {
        if (!(self.mask >> other & 1)) continue;
        uint64_t value = warp[other].value;
        switch (self.kind) {
            case Vote: result |= value << other; break;
            case Any: result |= value; break;
            case All: result &= value; break;
            case Match: result |= uint64_t(value == self.value) << other; break;
            case Sum: result = unsigned(result + value); break;
            case Least: result = value < result ? value : result; break;
            case Most: result = result < value ? value : result; break;
            default: break;
        }
    }
    return result;
}

[[noreturn]] void fail(const std::string& what) {
    Machine& it = machine();
    it.fault = what;
    siglongjmp(it.recovery, 1);
}

void entry() {
    Machine& it = machine();
    it.kernel(it.arguments);
    wait(State::Gone);
}

// Why nothing can go on.
std::string standstill(Machine& it) {
    const Fiber *gathered = nullptr, *gone = nullptr, *meeting = nullptr;
    for (const Fiber& fiber : it.fibers) {
        if (fiber.state == State::AtGathering) {
            if (gathered && gathered->line != fiber.line)
                return text("divergent barrier: %s waits at line %d, %s at line %d", name(*gathered).c_str(),
                            gathered->line, name(fiber).c_str(), fiber.line);
            gathered = &fiber;
        }
        if (fiber.state == State::Gone) gone = &fiber;
        if (fiber.state == State::AtMeeting) meeting = &fiber;
    }
    if (meeting)
        return text("deadlock: %s waits at line %d for lanes %08x of its warp, and not all of them come", name(*meeting).c_str(),
                    meeting->line, meeting->mask);
    return text("divergent barrier: %s waits at line %d, and %s has left the kernel", name(*gathered).c_str(),
                gathered->line, name(*gone).c_str());
}

// Lets all go on if all are at one barrier; false if that is not so.
bool release(Machine& it) {
    int line = it.fibers[0].line, kind = it.fibers[0].kind, count = 0;
    for (const Fiber& fiber : it.fibers) {
        if (fiber.state != State::AtGathering || fiber.line != line || fiber.kind != kind) return false;
        count += fiber.predicate != 0;
    }
    int all = int(it.fibers.size());
    for (Fiber& fiber : it.fibers) {
        fiber.answer = uint64_t(kind == Count ? count : kind == And ? count == all : kind == Or ? count > 0 : 0);
        wake(it, fiber);
    }
    return true;
}

void run_block(Machine& it, dim3 block, dim3 size, dim3 grid) {
    for (size_t i = 0; i < it.fibers.size(); i++) {
        Fiber& fiber = it.fibers[i];
        unsigned index = unsigned(i);
        fiber.place = {{index % size.x, index / size.x % size.y, index / size.x / size.y}, block, size, grid};
        fiber.context.prepare(it.stacks.memory + i * STACK_BYTES, STACK_BYTES, entry);
        wake(it, fiber);
    }
    size_t gone = 0;
    for (;;) {
        int next = choose(it);
        if (next < 0) {
            if (gone == it.fibers.size()) return;
            if (!release(it)) fail(standstill(it));
            continue;
        }
        it.now = &it.fibers[size_t(next)];
        it.host.go(it.now->context);
        gone += it.now->state == State::Gone;
    }
}

struct sigaction before[NSIG];

void on_fault(int signal, siginfo_t* info, void* context) {
    Machine& it = machine();
    if (it.working) {
        it.working = false;
        const char* what = signal == SIGILL || signal == SIGTRAP
            ? "an index outside an array of known size, a misaligned vector, or arithmetic without a result"
            : signal == SIGFPE ? "a division by zero" : "a read or write outside of a buffer (or a stack that ran over)";
        it.fault = text("%s: %s", it.now ? name(*it.now).c_str() : "the launch", what);
        siglongjmp(it.recovery, 1);
    }
    // Not ours: as if we had never been here.
    struct sigaction& old = before[signal];
    if (old.sa_flags & SA_SIGINFO && old.sa_sigaction) return old.sa_sigaction(signal, info, context);
    if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN && old.sa_handler) return old.sa_handler(signal);
    std::signal(signal, SIG_DFL);
    raise(signal);
}

void catch_faults() {
    static const bool done = [] {
        struct sigaction ours {};
        ours.sa_sigaction = on_fault;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigaction(signal, &ours, &before[signal]);
        return true;
    }();
    (void)done;
}

size_t pages(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

// `bytes`, rounded up to 16, end where the guard begins.
unsigned char* guarded(size_t bytes) {
    size_t inside = (bytes + 15) / 16 * 16, body = pages(inside ? inside : 1);
    void* at = mmap(nullptr, body + 2 * GUARD_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return nullptr;
    auto first = static_cast<unsigned char*>(at) + GUARD_BYTES;
    if (mprotect(first, body, PROT_READ | PROT_WRITE)) {
        munmap(at, body + 2 * GUARD_BYTES);
        return nullptr;
    }
    std::memset(first, NOISE, body);
    return first + body - inside;
}

}  // namespace

extern "C" {

const Thread* azr_thread() { return &machine().now->place; }

void* azr_dynamic_shared() { return machine().dynamic_shared; }

void azr_trap(const char* what, int line) { fail(text("%s: %s (line %d)", name(*machine().now).c_str(), what, line)); }

uint64_t azr_meet(int meeting, unsigned mask, uint64_t value, unsigned pick, int line) {
    Machine& it = machine();
    Fiber& self = *it.now;
    size_t index = size_t(&self - it.fibers.data()), first = index / 32 * 32;
    unsigned lane = unsigned(index - first);
    if (!(mask >> lane & 1)) azr_trap("this lane is not in the mask that it gives", line);
    if (meeting == Shuffle && !(pick < 32 && mask >> pick & 1)) azr_trap("shuffles from a lane outside the mask", line);
    self.kind = meeting;
    self.mask = mask;
    self.value = value;
    self.pick = pick;
    self.line = line;
    self.state = State::AtMeeting;
    Fiber* warp = &it.fibers[first];
    for (unsigned other = 0; other < 32; other++) {
        if (!(mask >> other & 1)) continue;
        if (it.fibers.size() <= first + other) azr_trap("the mask names lanes that the block does not have", line);
        const Fiber& them = warp[other];
        bool here = them.state == State::AtMeeting && them.kind == meeting && them.line == line && them.mask == mask;
        if (!here) {
            wait(State::AtMeeting);
            return self.answer;
        }
    }
    // The last to come answers for all.
    if (meeting == Matrix) multiply(warp);
    else
        for (unsigned other = 0; other < 32; other++)
            if (mask >> other & 1) warp[other].answer = answer(warp, other);
    for (unsigned other = 0; other < 32; other++)
        if (mask >> other & 1) wake(it, warp[other]);
    // And does not go on before the others because it was last.
    self.context.go(it.host);
    return self.answer;
}

int azr_gather(int gathering, int predicate, int line) {
    Fiber& self = *machine().now;
    self.kind = gathering;
    self.predicate = predicate;
    self.line = line;
    wait(State::AtGathering);
    return int(self.answer);
}

void* azr_allocate(size_t bytes) { return guarded(bytes); }

void azr_free(void* at, size_t bytes) {
    size_t inside = (bytes + 15) / 16 * 16, body = pages(inside ? inside : 1);
    munmap(static_cast<unsigned char*>(at) - (body - inside) - GUARD_BYTES, body + 2 * GUARD_BYTES);
}

// Whether nothing was written to the few bytes around a buffer that no page guards.
int azr_intact(const void* at, size_t bytes) {
    size_t inside = (bytes + 15) / 16 * 16, body = pages(inside ? inside : 1);
    auto first = static_cast<const unsigned char*>(at);
    for (const unsigned char* it = first - (body - inside); it < first; it++)
        if (*it != NOISE) return 0;
    for (size_t i = bytes; i < inside; i++)
        if (first[i] != NOISE) return 0;
    return 1;
}

// Runs a kernel; 0, or 1 with the reason in `message`.
int azr_launch(void (*kernel)(void**), void** arguments, const unsigned* shape, unsigned dynamic_shared_bytes,
               unsigned char* static_shared, size_t static_shared_bytes, uint64_t seed, char* message, size_t message_bytes) {
    catch_faults();
    Machine& it = machine();
    dim3 grid = {shape[0], shape[1], shape[2]}, size = {shape[3], shape[4], shape[5]};
    size_t threads = size_t(size.x) * size.y * size.z, blocks = size_t(grid.x) * grid.y * grid.z;
    unsigned char* dynamic_shared = nullptr;
    auto refuse = [&](const char* why) {
        snprintf(message, message_bytes, "%s", why);
        return 1;
    };
    if (!it.stacks.memory) return refuse("no memory for the stacks of the emulator");
    if (threads < 1 || THREADS_MAX < threads || 64 < size.z) return refuse("a block has 1 to 1024 threads");
    if (blocks < 1 || 65535 < grid.y || 65535 < grid.z) return refuse("a grid has at least one block, at most 65535 along y and z");
    if (DYNAMIC_SHARED_BYTES_MAX < dynamic_shared_bytes || STATIC_SHARED_BYTES_MAX < static_shared_bytes)
        return refuse("more shared memory than a multiprocessor has");
    it.kernel = kernel;
    it.arguments = arguments;
    it.seed = seed;
    it.draws.state = seed;
    it.fault.clear();
    it.fibers.assign(threads, Fiber());
    std::memset(it.ready, 0, sizeof it.ready);
    dynamic_shared = guarded(dynamic_shared_bytes);
    it.dynamic_shared = dynamic_shared;
    it.now = nullptr;
    int failed = sigsetjmp(it.recovery, 1);
    if (!failed) {
        it.working = true;
        // A walk through all blocks: forward, backward, or by a drawn step that shares no factor with their number.
        uint64_t step = 1, at = seed < 2 ? 0 : it.draws.next() % blocks;
        if (2 <= seed)
            for (step = it.draws.next() % blocks | 1; std::gcd<uint64_t, uint64_t>(step, blocks) != 1;) step += 2;
        for (size_t i = 0; i < blocks; i++, at = (at + step) % blocks) {
            size_t block = seed == 1 ? blocks - 1 - i : at;
            std::memset(dynamic_shared, NOISE, dynamic_shared_bytes);
            if (static_shared_bytes) std::memset(static_shared, NOISE, static_shared_bytes);
            dim3 place = {unsigned(block % grid.x), unsigned(block / grid.x % grid.y), unsigned(block / grid.x / grid.y)};
            run_block(it, place, size, grid);
        }
        if (!azr_intact(dynamic_shared, dynamic_shared_bytes)) it.fault = "a write outside of the dynamic shared memory";
    }
    it.working = false;
    it.now = nullptr;
    azr_free(dynamic_shared, dynamic_shared_bytes);
    if (it.fault.empty()) return 0;
    return refuse(it.fault.c_str());
}
}
