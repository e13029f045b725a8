/*
 * The program inside a guest under test: a controller, and the worker processes that a script names. It understands no script: the host
 * turns every step into requests, most of which are one system call.
 *
 * Requests are lines on a virtio port: `WHO OPERATION WORD...`, where WHO is `-` (the controller) or a worker. The answer is
 * `.RETURN ERRNO MESSAGE`, after any number of `+BYTES NAME` lines that each precede so many bytes of a file.
 *
 *   call NUMBER WORD...            a system call; a word is a number, @HEX (address of these bytes) or >N (address of N bytes, told
 *                                  in the message when the call returns)
 *   put PATH VALUE                 one write(2) to a file
 *   controller: spawn, wait, end, cat, run, drain, put-within
 *   worker:     map, touch, nodes, punch-stride, guest, thread, fork, exit; `@N OPERATION` runs one on thread N
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	BLOCK = 2 << 20,        /* mappings start at a multiple of a PMD's span */
	LINE = 16 << 10,
	MESSAGE = 2048,
	WORDS = 512,
	WORKERS = 64,
	THREADS = 16,
	CHANNEL_FD = 200,       /* above every descriptor of a script, whose numbers are results */
	FILE_MAX = 4 << 20,
	ARENA = 4 << 20,
	CODE_OFFSET = PAGE / 2, /* in its page: accesses go to the beginning of pages */
	EXIT_MEMORY_FAULT = 39,
	FAULT_PRIVATE = 1 << 3,
};

struct answer {
	long ret;
	int error;
	char message[MESSAGE];
};

struct words {
	int count;
	char *at[WORDS];
};

static void say(struct answer *answer, const char *format, ...)
{
	size_t used = strlen(answer->message);
	va_list list;
	va_start(list, format);
	vsnprintf(answer->message + used, MESSAGE - used, format, list);
	va_end(list);
}

static long fail(struct answer *answer, int error, const char *words)
{
	say(answer, "%s", words);
	errno = error;
	return -1;
}

static void split(struct words *words, char *line)
{
	char *rest = NULL;
	words->count = 0;
	for (char *word = strtok_r(line, " ", &rest); word && words->count < WORDS; word = strtok_r(NULL, " ", &rest))
		words->at[words->count++] = word;
}

static uint64_t number(const struct words *words, int index)
{
	return index < words->count ? strtoull(words->at[index], NULL, 0) : 0;
}

/* Memory that no mapping of a script can be merged with. */
static void *private_memory(size_t bytes)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start != MAP_FAILED)
		madvise(start, bytes, MADV_NOHUGEPAGE);
	return start;
}

static void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

/* ---- what the controller and workers have in common ---- */

static int nibble(char digit)
{
	return digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10;
}

static long call(const struct words *words, struct answer *answer)
{
	char bytes[8192] __attribute__((aligned(16)));
	size_t used = 0, told_at[7], told[7];
	int tells = 0;
	long value[7] = { 0 };
	for (int i = 1; i < words->count && i <= 7; i++) {
		const char *word = words->at[i];
		size_t length;
		if (word[0] != '@' && word[0] != '>') {
			value[i - 1] = (long)strtoull(word, NULL, 0);
			continue;
		}
		length = word[0] == '@' ? strlen(word + 1) / 2 : strtoul(word + 1, NULL, 0);
		if (used + length > sizeof bytes)
			return fail(answer, E2BIG, "too many bytes in a request");
		if (word[0] == '@')
			for (size_t k = 0; k < length; k++)
				bytes[used + k] = (char)(nibble(word[1 + 2 * k]) << 4 | nibble(word[2 + 2 * k]));
		else {
			memset(bytes + used, 0, length);
			told_at[tells] = used;
			told[tells++] = length;
		}
		value[i - 1] = (long)(bytes + used);
		used += (length + 15) & ~(size_t)15;
	}
	errno = 0;
	long ret = syscall(value[0], value[1], value[2], value[3], value[4], value[5], value[6]);
	int error = errno;
	for (int i = 0; i < tells; i++)
		for (size_t k = 0; k < told[i] && told[i] <= 512; k++)
			say(answer, "%02x", (unsigned char)bytes[told_at[i] + k]);
	errno = error;
	return ret;
}

static long put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	long ret = write(fd, value, strlen(value));
	int error = errno;
	close(fd);
	errno = error;
	return ret;
}

/* The rest of a line after its second word, which split() has cut into pieces. */
static char *rest_of(const struct words *words, int index, char *buffer, size_t size)
{
	buffer[0] = 0;
	for (int i = index; i < words->count; i++)
		snprintf(buffer + strlen(buffer), size - strlen(buffer), "%s%s", i > index ? " " : "", words->at[i]);
	return buffer;
}

static long put_words(const struct words *words)
{
	char value[512];
	return put(words->at[1], rest_of(words, 2, value, sizeof value));
}

/* ---- worker ---- */

struct thread {
	int id;
	pthread_t pthread;
	sem_t asked, answered;
	struct words *words;
	struct answer *answer;
	long ret;
	int error;
};

static int channel = -1;
/* Room for lists, there from the start: a mapping that came and went would show in high-water marks. */
static void *arena;
static struct thread *threads[THREADS];
static void serve_worker(const char *name);

static uint32_t weyl_state;

static uint32_t next_random(void)
{
	uint32_t z = weyl_state += 0x9e3779b9u;
	z = (z ^ z >> 16) * 0x85ebca6bu;
	z = (z ^ z >> 13) * 0xc2b2ae35u;
	return z ^ z >> 16;
}

static uint32_t mix(uint32_t value, uint32_t key)
{
	uint32_t mixed = (value ^ key) * 0x9e3779b1u;
	return (mixed ^ mixed >> 15) * 0x85ebca6bu;
}

/* Visits `count` numbers below `size` in the order that src/random/random-order.ts draws from the same seed; ends when `visit` does not return 0. */
static long in_random_order(uint64_t size, uint64_t count, uint32_t seed, long (*visit)(void *, uint64_t), void *with)
{
	uint64_t columns = 1, side = size < 2 ? 2 : size, given = 0;
	uint32_t keys[4];
	while (columns * columns < side)
		columns *= 2;
	uint64_t rows = (size + columns - 1) / columns;
	weyl_state = seed;
	for (int i = 0; i < 4; i++)
		keys[i] = next_random();
	for (uint64_t at = 0; at < columns * rows && given < count; at++) {
		uint64_t row = at / columns, column = at % columns;
		column = (column + (mix(row, keys[0]) >> 7)) & (columns - 1);
		row = (row + (((uint64_t)mix(column, keys[1]) * rows) >> 32)) % rows;
		column = (column + (mix(row, keys[2]) >> 7)) & (columns - 1);
		row = (row + (((uint64_t)mix(column, keys[3]) * rows) >> 32)) % rows;
		uint64_t drawn = row * columns + column;
		if (drawn >= size)
			continue;
		given++;
		long ret = visit(with, drawn);
		if (ret)
			return ret;
	}
	return 0;
}

struct access {
	volatile char *start;
	int is_write;
};

static long access_page(void *with, uint64_t page)
{
	const struct access *access = with;
	if (access->is_write)
		access->start[page * PAGE] = 1;
	else
		(void)access->start[page * PAGE];
	return 0;
}

/* touch ADDRESS PAGES w|r [COUNT SEED] */
static long touch(const struct words *words)
{
	struct access access = { (volatile char *)number(words, 1), words->at[3][0] == 'w' };
	uint64_t pages = number(words, 2);
	if (words->count > 5)
		return in_random_order(pages, number(words, 4), number(words, 5), access_page, &access);
	for (uint64_t page = 0; page < pages; page++)
		access_page(&access, page);
	return 0;
}

/*
 * map AT BYTES PROT FLAGS FD OFFSET ALIGN: mmap(2) at a multiple of 2 MiB, inside a reservation of 4 MiB more, of which what is not used
 * is given back: a high-water mark of the address space shows it. ALIGN 0 leaves the place to the kernel (huge pages have an alignment of their own).
 */
static long map(const struct words *words, struct answer *answer)
{
	char *at = (char *)number(words, 1), *base = NULL;
	size_t bytes = number(words, 2), room = bytes + 2 * BLOCK;
	int protection = number(words, 3), flags = number(words, 4), fd = atoi(words->at[5]);
	if (number(words, 7)) {
		base = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED)
			return -1;
		if (!at)
			at = (char *)(((uintptr_t)base + BLOCK - 1) & ~(uintptr_t)(BLOCK - 1));
	}
	void *start = mmap(at, bytes, protection, at ? flags | MAP_FIXED : flags, fd, number(words, 6));
	int error = errno;
	if (base) {
		char *end = at + ((bytes + PAGE - 1) & ~(size_t)(PAGE - 1));
		int inside = start != MAP_FAILED && at >= base && end <= base + room;
		if (!inside)
			munmap(base, room);
		else {
			if (at > base)
				munmap(base, at - base);
			munmap(end, base + room - end);
		}
	}
	errno = error;
	if (start == MAP_FAILED)
		return -1;
	say(answer, "%p", start);
	return 0;
}

/* nodes ADDRESS PAGES STRIDE NODE: move_pages(2) on itself, counted by status; NODE -1 only asks where the pages are. */
static long nodes(const struct words *words, struct answer *answer)
{
	enum { UNSET = -4096, LOWEST = -200, HIGHEST = 64 };
	uint64_t start = number(words, 1), count = number(words, 2), stride = number(words, 3);
	int node = atoi(words->at[4]);
	size_t bytes = count * (sizeof(void *) + 2 * sizeof(int));
	void **pages = bytes <= ARENA ? arena : private_memory(bytes);
	uint64_t seen[HIGHEST - LOWEST] = { 0 }, unset = 0;
	if (pages == MAP_FAILED)
		return -1;
	int *targets = (int *)(pages + count), *statuses = targets + count;
	for (uint64_t i = 0; i < count; i++) {
		pages[i] = (void *)(start + i * stride);
		targets[i] = node;
		statuses[i] = UNSET;
	}
	long ret = syscall(SYS_move_pages, 0, count, pages, node < 0 ? NULL : targets, statuses, 1 << 1);
	int error = errno;
	for (uint64_t i = 0; i < count; i++) {
		if (statuses[i] == UNSET)
			unset++;
		else if (statuses[i] >= LOWEST && statuses[i] < HIGHEST)
			seen[statuses[i] - LOWEST]++;
	}
	say(answer, "n=%llu", (unsigned long long)count);
	for (int status = 0; status < HIGHEST; status++)
		if (seen[status - LOWEST])
			say(answer, " N%d=%llu", status, (unsigned long long)seen[status - LOWEST]);
	for (int status = -1; status >= LOWEST; status--)
		if (seen[status - LOWEST])
			say(answer, " %s=%llu", strerrorname_np(-status), (unsigned long long)seen[status - LOWEST]);
	if (unset)
		say(answer, " unset=%llu", (unsigned long long)unset);
	if (pages == arena)
		madvise(arena, ARENA, MADV_DONTNEED);
	else
		munmap(pages, bytes);
	errno = error;
	return ret;
}

/* punch-stride FD OFFSET BYTES HOLE STRIDE */
static long punch_stride(const struct words *words)
{
	uint64_t end = number(words, 2) + number(words, 3), hole = number(words, 4), stride = number(words, 5);
	for (uint64_t at = number(words, 2); at < end; at += stride)
		if (fallocate(number(words, 1), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, hole))
			return -1;
	return 0;
}

struct guest {
	int vcpu;
	struct kvm_run *run;
	uint64_t start, stride, count;
	struct answer *answer;
};

/* Runs the vCPU from the start of the test code until it halts. */
static long run_guest(struct guest *guest, uint64_t start, uint64_t count)
{
	struct kvm_sregs special;
	struct kvm_regs regs = {
		.rip = PAGE + CODE_OFFSET, .rflags = 2, .rdi = start, .rcx = count, .rdx = guest->stride,
	};
	struct kvm_segment flat = { .limit = ~0u, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1 };
	if (ioctl(guest->vcpu, KVM_GET_SREGS, &special))
		return -1;
	special.ds = special.es = special.fs = special.gs = special.ss = special.cs = flat;
	special.cs.selector = 8;
	special.cs.type = 11;
	special.cr0 |= 1;
	if (ioctl(guest->vcpu, KVM_SET_SREGS, &special) || ioctl(guest->vcpu, KVM_SET_REGS, &regs))
		return -1;
	struct kvm_run *run = guest->run;
	long ret;
	do
		ret = ioctl(guest->vcpu, KVM_RUN, 0);
	while (ret < 0 && errno == EINTR);
	if (ret == 0 && run->exit_reason == KVM_EXIT_HLT)
		return 0;
	int error = ret < 0 ? errno : EPROTO;
	if (ret < 0 && run->exit_reason == EXIT_MEMORY_FAULT) {
		const uint64_t *fault = (const void *)&run->hw;   /* flags, address, size */
		say(guest->answer, "KVM_EXIT_MEMORY_FAULT %s gpa=0x%llx", fault[0] & FAULT_PRIVATE ? "private" : "shared",
		    (unsigned long long)fault[1]);
	} else if (ret == 0 && run->exit_reason == KVM_EXIT_MMIO)
		say(guest->answer, "KVM_EXIT_MMIO gpa=0x%llx", (unsigned long long)run->mmio.phys_addr);
	else
		say(guest->answer, "exit_reason=%u", run->exit_reason);
	errno = error;
	return -1;
}

static long run_guest_page(void *with, uint64_t page)
{
	struct guest *guest = with;
	return run_guest(guest, guest->start + page * PAGE, 1);
}

/*
 * guest VCPU RUN CODE START STRIDE COUNT [RANDOM SEED]: a few 32-bit instructions, put into the page at CODE (which the guest sees at 4096),
 * store a byte at COUNT addresses that are STRIDE apart.
 */
static long guest(const struct words *words, struct answer *answer)
{
	static const unsigned char store_each[] = {
		0xc6, 0x07, 0x01,       /* again: movb $1, (%edi) */
		0x01, 0xd7,             /* add %edx, %edi */
		0x49,                   /* dec %ecx */
		0x75, 0xf8,             /* jnz again */
		0xf4,                   /* hlt */
	};
	struct guest guest = {
		.vcpu = number(words, 1), .run = (void *)number(words, 2), .start = number(words, 4),
		.stride = number(words, 5), .count = number(words, 6), .answer = answer,
	};
	memcpy((char *)number(words, 3) + CODE_OFFSET, store_each, sizeof store_each);
	long ret = words->count > 8
		? in_random_order(guest.count, number(words, 7), number(words, 8), run_guest_page, &guest)
		: run_guest(&guest, guest.start, guest.count);
	if (ret == 0)
		say(answer, "hlt");
	return ret;
}

static long do_worker(struct words *words, struct answer *answer);

static void *serve_thread(void *with)
{
	struct thread *thread = with;
	for (;;) {
		sem_wait(&thread->asked);
		if (!thread->words)
			return NULL;
		thread->ret = do_worker(thread->words, thread->answer);
		thread->error = errno;
		sem_post(&thread->answered);
	}
}

static struct thread *find_thread(int id)
{
	return id >= 0 && id < THREADS ? threads[id] : NULL;
}

/* thread ID [end] */
static long make_thread(const struct words *words, struct answer *answer)
{
	int id = number(words, 1);
	struct thread *thread = find_thread(id);
	pthread_attr_t attributes;
	if (words->count > 2) {
		if (!thread)
			return fail(answer, ESRCH, "no such thread");
		thread->words = NULL;
		sem_post(&thread->asked);
		pthread_join(thread->pthread, NULL);
		free(thread);
		threads[id] = NULL;
		return 0;
	}
	if (id < 0 || id >= THREADS || thread || !(thread = calloc(1, sizeof *thread)))
		return fail(answer, EINVAL, "usage");
	sem_init(&thread->asked, 0, 0);
	sem_init(&thread->answered, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 << 10);
	int error = pthread_create(&thread->pthread, &attributes, serve_thread, thread);
	if (error) {
		free(thread);
		return fail(answer, error, "no thread");
	}
	threads[id] = thread;
	return 0;
}

static long on_thread(struct words *words, struct answer *answer)
{
	struct thread *thread = find_thread(atoi(words->at[0] + 1));
	if (!thread)
		return fail(answer, ESRCH, "no such thread");
	struct words inner = { .count = words->count - 1 };
	memcpy(inner.at, words->at + 1, inner.count * sizeof inner.at[0]);
	thread->words = &inner;
	thread->answer = answer;
	sem_post(&thread->asked);
	sem_wait(&thread->answered);
	errno = thread->error;
	return thread->ret;
}

/* fork NAME: the child answers as a worker of its own; threads stay behind, as fork(2) has it. */
static long fork_worker(const char *name)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	close(channel);
	memset(threads, 0, sizeof threads);
	serve_worker(name);
	_exit(0);
}

static long do_worker(struct words *words, struct answer *answer)
{
	const char *operation = words->at[0];
	if (operation[0] == '@')
		return on_thread(words, answer);
	if (!strcmp(operation, "call"))
		return call(words, answer);
	if (!strcmp(operation, "put"))
		return put_words(words);
	if (!strcmp(operation, "map"))
		return map(words, answer);
	if (!strcmp(operation, "touch"))
		return touch(words);
	if (!strcmp(operation, "nodes"))
		return nodes(words, answer);
	if (!strcmp(operation, "punch-stride"))
		return punch_stride(words);
	if (!strcmp(operation, "guest"))
		return guest(words, answer);
	if (!strcmp(operation, "thread"))
		return make_thread(words, answer);
	if (!strcmp(operation, "fork"))
		return fork_worker(words->at[1]);
	return fail(answer, ENOSYS, "unknown operation");
}

static socklen_t channel_address(struct sockaddr_un *address)
{
	static const char name[] = "\0gmemlab";
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, name, sizeof name);
	return offsetof(struct sockaddr_un, sun_path) + sizeof name;
}

/* Reads requests from a channel to the controller until that ends. */
static void serve_worker(const char *name)
{
	static char line[LINE];
	static struct answer answer;
	static struct words words;
	char hello[64];
	struct sockaddr_un address;
	socklen_t size = channel_address(&address);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (void *)&address, size))
		_exit(1);
	channel = fcntl(fd, F_DUPFD_CLOEXEC, CHANNEL_FD);
	close(fd);
	int length = snprintf(hello, sizeof hello, "%s %d", name, getpid());
	send(channel, hello, length + 1, 0);
	while (recv(channel, line, sizeof line, 0) > 0) {
		split(&words, line);
		memset(&answer, 0, sizeof answer);
		errno = 0;
		int exits = !strcmp(words.at[0], "exit");
		answer.ret = exits ? 0 : do_worker(&words, &answer);
		answer.error = answer.ret < 0 ? errno : 0;
		send(channel, &answer, offsetof(struct answer, message) + strlen(answer.message) + 1, 0);
		if (exits)
			break;
	}
	_exit(0);
}

/* ---- controller ---- */

struct worker {
	char name[32];
	pid_t pid;
	int channel;    /* -1 once the controller has noticed that the process is gone */
	int is_child;   /* the controller started it, and can learn how it ended */
};

static struct worker workers[WORKERS];
static int worker_count, listener, port;
static char *drained, *contents;

static struct worker *find_worker(const char *name)
{
	for (int i = worker_count - 1; i >= 0; i--)
		if (!strcmp(workers[i].name, name))
			return &workers[i];
	return NULL;
}

static void send_port(const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = write(port, bytes, length);
		if (sent <= 0)
			exit(1);
		bytes += sent;
		length -= sent;
	}
}

static struct worker *accept_worker(void)
{
	char hello[64];
	struct pollfd waiting = { listener, POLLIN, 0 };
	if (worker_count == WORKERS || poll(&waiting, 1, 20000) <= 0)
		return NULL;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ssize_t length = recv(fd, hello, sizeof hello - 1, 0);
	if (length <= 0)
		return NULL;
	struct worker *worker = &workers[worker_count++];
	memset(worker, 0, sizeof *worker);
	sscanf(hello, "%31s %d", worker->name, &worker->pid);
	worker->channel = fd;
	return worker;
}

/*
 * Writes to every page that a started worker will ever use of its own program. What it shares with the controller is copied now, and not at some
 * step later on: that would look like memory of the step. (A forked worker copies the few that it uses when it uses them.)
 */
static void own_pages(void)
{
	extern char __data_start, _end;
	char stack[64 << 10];
	for (volatile char *at = &__data_start; at < &_end; at += PAGE)
		*at = *at;
	for (volatile char *at = stack; at < stack + sizeof stack; at += PAGE)
		*at = 0;
}

static long spawn(const char *name)
{
	pid_t pid = fork();
	if (pid == 0) {
		close_range(3, ~0u, 0);
		arena = private_memory(ARENA);
		munmap(drained, PAGE);
		pin(0);
		put("/proc/self/oom_score_adj", "0");
		prctl(PR_SET_NAME, "worker");
		own_pages();
		serve_worker(name);
	}
	struct worker *worker = pid > 0 ? accept_worker() : NULL;
	if (!worker)
		return -1;
	worker->is_child = 1;
	return pid;
}

/* Waits until a process has given back its memory: whatever comes next finds it gone. */
static void await_end(pid_t pid)
{
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (int i = 0; i < 3000; i++, usleep(10000)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
		if (fd >= 0)
			close(fd);
		line[length > 0 ? length : 0] = 0;
		const char *state = strrchr(line, ')');
		if (!state || state[2] == 'Z' || state[2] == 'X')
			return;
	}
}

/* Takes note of a worker's end: its status where it is a child, else 0. */
static int take_status(struct worker *worker)
{
	int status = 0;
	await_end(worker->pid);
	close(worker->channel);
	worker->channel = -1;
	if (worker->is_child)
		waitpid(worker->pid, &status, 0);
	return status;
}

/* wait NAME: how a worker ended, when nobody has noticed yet; only those that the controller started are its children. */
static long wait_worker(struct worker *worker, struct answer *answer)
{
	siginfo_t info = { 0 };
	if (worker->channel < 0) {
		say(answer, "already reaped");
		return 0;
	}
	for (int i = 0; worker->is_child && !info.si_pid; i++, usleep(50000)) {
		if (i == 100)
			return fail(answer, ETIMEDOUT, "still alive after 5 s");
		waitid(P_PID, worker->pid, &info, WEXITED | WNOWAIT | WNOHANG);
	}
	if (!worker->is_child) {
		close(worker->channel);
		worker->channel = -1;
		return fail(answer, ECHILD, "exited 0");
	}
	int status = take_status(worker);
	if (WIFSIGNALED(status))
		say(answer, "signaled %d", WTERMSIG(status));
	else
		say(answer, "exited %d", WEXITSTATUS(status));
	return 0;
}

static void send_contents(const char *name, size_t length)
{
	char head[512];
	int size = snprintf(head, sizeof head, "+%zu %s\n", length, name);
	send_port(head, size);
	send_port(contents, length);
}

static size_t read_all(int fd)
{
	size_t used = 0;
	ssize_t length;
	while (used < FILE_MAX && (length = read(fd, contents + used, FILE_MAX - used)) > 0)
		used += length;
	return used;
}

/* cat PATH...: files that are not there are left out. Returns how many there were. */
static long cat(const struct words *words)
{
	long found = 0;
	for (int i = 1; i < words->count; i++) {
		int fd = open(words->at[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		size_t length = read_all(fd);
		close(fd);
		send_contents(words->at[i], length);
		found++;
	}
	return found;
}

/* run PROGRAM WORD...: its output is sent, its exit status returned; what it complains about goes to the console. */
static long run(struct words *words)
{
	int output[2], status = 0;
	if (pipe2(output, O_CLOEXEC))
		return -1;
	words->at[words->count] = NULL;
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(output[1], 1);
		execv(words->at[1], words->at + 1);
		_exit(127);
	}
	close(output[1]);
	size_t length = read_all(output[0]);
	close(output[0]);
	waitpid(pid, &status, 0);
	send_contents("output", length);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* put-within MS PATH VALUE: a write that may take for ever, interrupted then. */
static long put_within(const struct words *words, struct answer *answer)
{
	int result[2], error = 0;
	if (pipe2(result, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		error = put(words->at[2], words->at[3]) < 0 ? errno : 0;
		_exit(write(result[1], &error, sizeof error) != sizeof error);
	}
	close(result[1]);
	struct pollfd waiting = { result[0], POLLIN, 0 };
	if (poll(&waiting, 1, (int)number(words, 1)) <= 0) {
		say(answer, "timeout after %s ms, interrupted", words->at[1]);
		error = EINTR;
		kill(pid, SIGKILL);
	} else if (read(result[0], &error, sizeof error) != sizeof error)
		error = EIO;
	close(result[0]);
	waitpid(pid, NULL, 0);
	errno = error;
	return error ? -1 : 0;
}

static long do_controller(struct words *words, struct answer *answer)
{
	const char *operation = words->at[0];
	struct worker *worker = words->count > 1 ? find_worker(words->at[1]) : NULL;
	if (!strcmp(operation, "call"))
		return call(words, answer);
	if (!strcmp(operation, "put"))
		return put_words(words);
	if (!strcmp(operation, "cat"))
		return cat(words);
	if (!strcmp(operation, "run"))
		return run(words);
	if (!strcmp(operation, "put-within"))
		return put_within(words, answer);
	if (!strcmp(operation, "spawn"))
		return spawn(words->at[1]);
	/* Moving a page empties the lists of pages that the CPUs have not put on an LRU yet, on all of them. */
	if (!strcmp(operation, "drain"))
		return syscall(SYS_mbind, drained, PAGE, 0, NULL, 0, 1 << 1);
	if (!strcmp(operation, "forget")) {
		for (int i = 0; i < worker_count; i++) {
			if (workers[i].channel < 0)
				continue;
			kill(workers[i].pid, SIGKILL);
			take_status(&workers[i]);
		}
		worker_count = 0;
		return 0;
	}
	if (!worker)
		return fail(answer, ESRCH, "no such worker or dead");
	if (!strcmp(operation, "wait"))
		return wait_worker(worker, answer);
	if (!strcmp(operation, "end")) {
		await_end(worker->pid);
		return 0;
	}
	return fail(answer, ENOSYS, "unknown operation");
}

/* Hands a line to a worker and waits for what it answers, or for its end. */
static long ask_worker(struct worker *worker, const char *line, struct answer *answer)
{
	if (!worker || worker->channel < 0)
		return fail(answer, ESRCH, "no such worker or dead");
	send(worker->channel, line, strlen(line) + 1, MSG_NOSIGNAL);
	if (!strncmp(line, "fork ", 5))
		accept_worker();
	if (recv(worker->channel, answer, sizeof *answer, 0) > 0) {
		if (!strcmp(line, "exit"))
			take_status(worker);
		errno = answer->error;
		return answer->ret;
	}
	int status = take_status(worker);
	memset(answer, 0, sizeof *answer);
	say(answer, "worker died");
	if (WIFSIGNALED(status))
		say(answer, ": signal %d (%s)", WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	errno = ECONNRESET;
	return -1;
}

static void serve(char *line)
{
	static struct answer answer;
	static struct words words;
	char reply[MESSAGE + 64];
	memset(&answer, 0, sizeof answer);
	char *request = strchr(line, ' ');
	if (!request)
		return;
	*request++ = 0;
	errno = 0;
	if (!strcmp(line, "-")) {
		split(&words, request);
		answer.ret = do_controller(&words, &answer);
	} else
		answer.ret = ask_worker(find_worker(line), request, &answer);
	answer.error = answer.ret < 0 ? errno : 0;
	int length = snprintf(reply, sizeof reply, ".%ld %d %s\n", answer.ret, answer.error, answer.message);
	send_port(reply, length);
}

int main(int count, char **arguments)
{
	static char line[LINE];
	struct sockaddr_un address;
	socklen_t size = channel_address(&address);
	size_t used = 0;
	if (count != 2 || (port = open(arguments[1], O_RDWR | O_CLOEXEC)) < 0) {
		perror("port");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	put("/proc/self/oom_score_adj", "-1000");
	/* Workers start on CPU 0: what the controller allocates lies on another node, where there is one. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		pin(1);
	drained = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	drained[0] = 1;
	contents = private_memory(FILE_MAX);
	madvise(contents, FILE_MAX, MADV_DONTFORK);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&address, size) || listen(listener, 16)) {
		perror("listen");
		return 1;
	}
	send_port(".0 0 ready\n", 11);
	for (;;) {
		ssize_t length = read(port, line + used, sizeof line - 1 - used);
		if (length <= 0)
			return 0;       /* the host went away */
		used += length;
		line[used] = 0;
		char *end = memchr(line, '\n', used);
		if (!end)
			continue;
		*end = 0;
		serve(line);
		used -= end + 1 - line;
		memmove(line, end + 1, used);
	}
}
