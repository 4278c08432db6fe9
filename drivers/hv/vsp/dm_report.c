// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the guest's memory in numbers.
 */

#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>

#include "dm.h"

#define VDM_MIB_PAGES(_mib)	((unsigned long)(_mib) << (20 - PAGE_SHIFT))

/* What the kernel needs for itself grows slower than its memory; MiB, and a shift */
static const struct {
	unsigned int below;
	unsigned int base;
	unsigned int shift;
} vdm_floors[] = {
	{ 128, 8, 1 },
	{ 512, 40, 2 },
	{ 2048, 104, 3 },
	{ 8192, 232, 4 },
	{ UINT_MAX, 488, 5 },
};

/**
 * vdm_floor() - memory that the guest keeps, whatever the host asks for
 * @dm: who
 *
 * By the size that the guest has without a balloon: else the floor would sink
 * with what is above it. It is what Linux's other balloon driver for Hyper-V
 * keeps at first.
 *
 * Context: process context, vdm.mutex held. Return: pages.
 */
unsigned long vdm_floor(struct vdm *dm)
{
	unsigned long total = totalram_pages() + dm->pages.out;
	unsigned int i = 0;

	while (i < ARRAY_SIZE(vdm_floors) - 1 && total >= VDM_MIB_PAGES(vdm_floors[i].below))
		i++;
	return VDM_MIB_PAGES(vdm_floors[i].base) + (total >> vdm_floors[i].shift);
}
VDM_EXPORT_IF_KUNIT(vdm_floor);

/**
 * vdm_spare() - memory that the host could have
 * @dm: who
 *
 * Context: process context, vdm.mutex held. Return: pages.
 */
unsigned long vdm_spare(struct vdm *dm)
{
	long available = si_mem_available();
	unsigned long floor = vdm_floor(dm);

	return available > 0 && available > floor ? available - floor : 0;
}

static __le64 vdm_report_pages(unsigned long pages)
{
	return cpu_to_le64((u64)pages << (PAGE_SHIFT - VDM_PAGE_SHIFT));
}

/**
 * vdm_report() - tell the host how memory is used
 * @dm: who
 *
 * Where the ring is so full that the last report still waits, there is none.
 *
 * Context: process context, vdm.mutex held.
 */
void vdm_report(struct vdm *dm)
{
	struct vdm_status *status = (void *)dm->buffer;
	struct sysinfo info;

	if (atomic_cmpxchg(&dm->report_queued, 0, 1))
		return;
	si_meminfo(&info);
	memset(status, 0, sizeof(*status));
	status->available = vdm_report_pages(max(si_mem_available(), 0L));
	/* What is with the host is ours still, and the floor is not to be touched. */
	status->committed = vdm_report_pages(vm_memory_committed() + dm->pages.out + vdm_floor(dm));
	status->free = vdm_report_pages(info.freeram);
	if (vdm_send(dm, status, VDM_STATUS_REPORT, sizeof(*status)))
		atomic_set(&dm->report_queued, 0);
}
