// SPDX-License-Identifier: GPL-2.0
/*
 * A session of /dev/kmcl.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "kmclctl.h"
#include "session.h"
#include "signals.h"
#include "stream.h"

/* More than a chunk can have; fewer calls for a large set. */
#define READ_SIZE (4 * 1024 * 1024)

static const char see_log[] = "The kernel's log says which channel and why: dmesg";

int session_open(struct session *s)
{
	s->fd = kernel_open_kmcl();
	if (s->fd >= 0)
		return EXIT_DONE;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return fail(EXIT_UNREACHABLE, "Load it: modprobe kmcl",
			    "kmcl is not loaded: there is no /dev/kmcl");
	case EACCES:
	case EPERM:
		return fail(EXIT_UNREACHABLE, "Run it as root, or with sudo",
			    "not allowed to open /dev/kmcl");
	default:
		return fail(EXIT_FAILED, NULL, "/dev/kmcl: %s", strerror(errno));
	}
}

void session_close(struct session *s)
{
	if (s->fd >= 0)
		kernel_close_kmcl(s->fd);
	s->fd = -1;
}

/* What any of the calls can answer. */
static int explain(const char *what)
{
	int interrupted = signals_exit_code();

	switch (errno) {
	case EINTR:
		if (interrupted)
			return fail(interrupted, NULL, "interrupted");
		break;
	case EPERM:
		return fail(EXIT_UNREACHABLE, "Run it as root, or with sudo",
			    "not allowed to %s", what);
	case EBUSY:
		return fail(EXIT_BUSY, "Try again once it has ended",
			    "cannot %s: another freeze or restore is under way", what);
	case ENOTTY:
	case E2BIG:
		return fail(EXIT_FAILED, "Use the kmclctl that was built with the module",
			    "cannot %s: this kmclctl and the loaded kmcl do not match", what);
	}
	return fail(EXIT_FAILED, see_log, "cannot %s: %s", what, strerror(errno));
}

/* A channel's consumer said no, and says itself what to do about it. */
static int explain_refusal(struct session *s)
{
	struct kmcl_reason reason = { .size = sizeof(reason) };

	if (kernel_ioctl(s->fd, KMCL_IOC_REASON, &reason) || !*reason.text)
		return fail(EXIT_REFUSED, see_log, "a channel cannot be handed over");
	return fail(EXIT_REFUSED, NULL, "%.*s cannot be handed over: %.*s",
		    (int)sizeof(reason.channel), (char *)reason.channel,
		    (int)sizeof(reason.text), (char *)reason.text);
}

int session_freeze(struct session *s, const char *bus, uint32_t deadline_ms, bool handover,
		   uint32_t *channels)
{
	struct kmcl_freeze freeze = {
		.size = sizeof(freeze),
		.flags = handover ? KMCL_FREEZE_HANDOVER : 0,
		.deadline_ms = deadline_ms,
	};

	if (bus)
		memcpy(freeze.bus, bus, strnlen(bus, sizeof(freeze.bus) - 1));
	if (!kernel_ioctl(s->fd, KMCL_IOC_FREEZE, &freeze)) {
		*channels = freeze.channels;
		return EXIT_DONE;
	}
	if (errno == ECANCELED)
		return explain_refusal(s);
	if (errno == ETIMEDOUT)
		return fail(EXIT_BUSY, "Give it longer (--deadline), or see who holds packets: "
			    "kmclctl list", "the channels could not be frozen before the deadline");
	if (bus && (errno == ENODEV || errno == ENOENT))
		return fail(EXIT_NO_CHANNEL, "\"kmclctl list\" shows the buses of all channels",
			    "no bus %s", bus);
	return explain("freeze");
}

static int explain_peer_gone(void)
{
	return fail(EXIT_FAILED, "Try again: it is gone now",
		    "a channel was closed by its peer while it was saved");
}

static int explain_claimed(const char *what)
{
	return fail(EXIT_BUSY, "\"kmclctl list\" shows it; \"kmclctl restore --none\" drops what "
		    "nobody claimed", "%s: state of such a channel is there already", what);
}

int session_save(struct session *s, struct memfd *set)
{
	int error, code = memfd_fill(set, s->fd, kernel_read_kmcl, READ_SIZE, &error);

	if (!code || !error)
		return code;
	errno = error;
	switch (error) {
	case EOPNOTSUPP:
		return explain_refusal(s);
	case ENODEV:
		return explain_peer_gone();
	case EBUSY:
		return fail(EXIT_BUSY, "Try again once it has ended",
			    "cannot save: the owner of a channel is saving or restoring it itself");
	case E2BIG:
		return fail(EXIT_FAILED, NULL, "cannot save: a set can have 4096 channels and buses, "
			    "and there are more");
	default:
		return explain("save");
	}
}

int session_info(struct session *s, struct kmcl_session_info *info)
{
	*info = (struct kmcl_session_info){ .size = sizeof(*info) };
	return kernel_ioctl(s->fd, KMCL_IOC_INFO, info) ? explain("ask for counts and times") :
		EXIT_DONE;
}

int session_commit(struct session *s)
{
	struct kmcl_commit commit = { .size = sizeof(commit) };

	if (!kernel_ioctl(s->fd, KMCL_IOC_COMMIT, &commit))
		return EXIT_DONE;
	switch (errno) {
	case ECANCELED:
		return explain_refusal(s);
	case ENODEV:
		return explain_peer_gone();
	case EEXIST:
		return explain_claimed("cannot commit");
	default:
		return explain("commit");
	}
}

/* The kernel said that the set is bad: look for ourselves, to say where. */
static int explain_set(const struct memfd *set, const char *path)
{
	struct stream_summary summary;
	int error = errno;

	if (stream_check(set->map, set->size, NULL, &summary))
		return fail(EXIT_BAD_STREAM, "Nothing of it was restored. All that is wrong: "
			    "kmclctl show FILE", "%s: bad stream: at offset 0x%zx: %s", path,
			    summary.first_offset, summary.first_text);
	if (summary.kind != KMCL_STREAM_SET)
		return fail(EXIT_BAD_STREAM, "A set is what \"kmclctl save\" writes",
			    "%s: is the stream of one %s, not a set", path,
			    stream_kind_name(summary.kind));
	return fail(EXIT_BAD_STREAM, see_log, "%s: the kernel refuses it: %s", path,
		    strerror(error));
}

static int explain_restore(const struct memfd *set, const char *path)
{
	switch (errno) {
	case EBADMSG:
	case EINVAL:
		return explain_set(set, path);
	case EOPNOTSUPP:
		return fail(EXIT_BAD_STREAM, "Use a kmcl as new as the one that saved it",
			    "%s: uses features that the loaded kmcl does not know", path);
	case EEXIST:
		return explain_claimed(path);
	case ENODEV:
		return fail(EXIT_UNREACHABLE, "Load its transport (kmcl_loopback, kmcl_hv) first, with "
			    "the id= that it had",
			    "%s: needs a bus that is not there", path);
	case EBUSY:
		return fail(EXIT_BUSY, "Restore before the modules of its channels are loaded",
			    "%s: a bus or a channel of the set is in use", path);
	default:
		return explain("restore");
	}
}

int session_restore(struct session *s, const struct memfd *set, const char *path,
		    struct kmcl_restore *result)
{
	struct kmcl_restore restore = { .size = sizeof(restore) };

	if (kernel_ioctl(s->fd, KMCL_IOC_RESTORE, &restore))
		return explain("restore");
	for (size_t done = 0; done < set->size;) {
		ssize_t put = write(s->fd, set->map + done, set->size - done);

		if (put <= 0)
			return explain_restore(set, path);
		done += put;
	}
	*result = (struct kmcl_restore){ .size = sizeof(*result) };
	if (kernel_ioctl(s->fd, KMCL_IOC_RESTORE_END, result))
		return explain_restore(set, path);
	return EXIT_DONE;
}

int session_drop(struct session *s, uint32_t *dropped)
{
	struct kmcl_drop drop = { .size = sizeof(drop) };

	if (kernel_ioctl(s->fd, KMCL_IOC_DROP, &drop))
		return explain("drop state");
	*dropped = drop.dropped;
	return EXIT_DONE;
}
