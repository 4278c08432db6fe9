// SPDX-License-Identifier: GPL-2.0
/*
 * NTSTATUS and errno.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "windows.h"

/* One to one; what several become is below. */
static const struct {
	int error;
	NTSTATUS status;
} kmcl_statuses[] = {
	{ 0, STATUS_SUCCESS },
	{ -EINPROGRESS, STATUS_PENDING },
	{ -EINVAL, STATUS_INVALID_PARAMETER },
	{ -EBUSY, STATUS_INVALID_PARAMETER_1 },
	{ -ENOBUFS, STATUS_BUFFER_TOO_SMALL },
	{ -EOVERFLOW, STATUS_BUFFER_OVERFLOW },
	{ -EAGAIN, STATUS_MORE_PROCESSING_REQUIRED },
	{ -ECANCELED, STATUS_CANCELLED },
	{ -ENODEV, STATUS_DEVICE_REMOVED },
	{ -ENOMEM, STATUS_INSUFFICIENT_RESOURCES },
	{ -ETIMEDOUT, STATUS_TIMEOUT },
	{ -EOPNOTSUPP, STATUS_NOT_SUPPORTED },
	{ -EIO, STATUS_UNSUCCESSFUL },
	{ -EMSGSIZE, STATUS_INVALID_BUFFER_SIZE },
	{ -ESHUTDOWN, STATUS_DEVICE_NOT_READY },
	{ -ESTALE, STATUS_HANDLE_NO_LONGER_VALID },
	{ -EEXIST, STATUS_OBJECT_NAME_COLLISION },
	{ -ENOENT, STATUS_NOT_FOUND },
	{ -EACCES, STATUS_ACCESS_DENIED },
	{ -EFAULT, STATUS_ACCESS_VIOLATION },
	{ -EDEADLK, STATUS_POSSIBLE_DEADLOCK },
	{ -EBADMSG, STATUS_DATA_ERROR },
};

/**
 * nt_status() - the status that an error of the library is
 * @error: 0 or a negative errno
 *
 * Context: any context.
 * Return: the status; STATUS_UNSUCCESSFUL for an error that Windows has no name
 * for.
 */
NTSTATUS nt_status(int error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kmcl_statuses); i++)
		if (kmcl_statuses[i].error == error)
			return kmcl_statuses[i].status;
	return error == -ENOSPC ? STATUS_INSUFFICIENT_RESOURCES : STATUS_UNSUCCESSFUL;
}
EXPORT_SYMBOL_NS_GPL(nt_status, KMCL_NS);

/**
 * nt_errno() - the error that a status is
 * @status: of Windows
 *
 * Context: any context.
 * Return: a negative errno: -EIO for a failure that has none of its own; 0 for
 * any success but STATUS_PENDING and STATUS_TIMEOUT.
 */
int nt_errno(NTSTATUS status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kmcl_statuses); i++)
		if (kmcl_statuses[i].status == status)
			return kmcl_statuses[i].error;
	if (status == STATUS_INVALID_PARAMETER_2 || status == STATUS_INVALID_PARAMETER_3)
		return -EINVAL;
	return NT_SUCCESS(status) ? 0 : -EIO;
}
EXPORT_SYMBOL_NS_GPL(nt_errno, KMCL_NS);
