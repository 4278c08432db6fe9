// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: /sys/devices/kmcl_dm, one value a file.
 */

#include <linux/sysfs.h>

#include "dm.h"

static const char * const vdm_state_names[] = {
	[VDM_CLOSED] = "closed",
	[VDM_VERSION_SENT] = "version",
	[VDM_CAPABILITIES_SENT] = "capabilities",
	[VDM_READY] = "ready",
	[VDM_FAILED] = "failed",
};

#define VDM_ATTR(_name, _fmt, ...)							\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{											\
	struct vdm *dm = dev_get_drvdata(dev);						\
	ssize_t ret;									\
											\
	mutex_lock(&dm->mutex);								\
	ret = sysfs_emit(buf, _fmt "\n", __VA_ARGS__);					\
	mutex_unlock(&dm->mutex);							\
	return ret;									\
}											\
static DEVICE_ATTR_RO(_name)

VDM_ATTR(state, "%s", vdm_state_names[dm->state]);
VDM_ATTR(version, "%u.%u", dm->version >> 16, dm->version & 0xffff);
VDM_ATTR(pages_out, "%lu", dm->pages.out);
VDM_ATTR(max_pages, "%llu", dm->max_pages);
VDM_ATTR(suppressed, "%d", dm->suppressed);

static struct attribute *vdm_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_version.attr,
	&dev_attr_pages_out.attr,
	&dev_attr_max_pages.attr,
	&dev_attr_suppressed.attr,
	NULL
};

static const struct attribute_group vdm_group = {
	.attrs = vdm_attrs,
};

/* They keep on counting over a live update. */
#define VDM_COUNTER(_name, _counter)							\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{											\
	struct vdm *dm = dev_get_drvdata(dev);						\
											\
	return sysfs_emit(buf, "%llu\n", (u64)atomic64_read(&dm->counters[_counter]));	\
}											\
static DEVICE_ATTR_RO(_name)

VDM_COUNTER(reports, VDM_REPORTS);
VDM_COUNTER(negotiations, VDM_NEGOTIATIONS);
VDM_COUNTER(balloon_requests, VDM_BALLOON_REQUESTS);
VDM_COUNTER(unballoon_requests, VDM_UNBALLOON_REQUESTS);
VDM_COUNTER(pages_given, VDM_PAGES_GIVEN);
VDM_COUNTER(pages_returned, VDM_PAGES_RETURNED);
VDM_COUNTER(hot_adds_refused, VDM_HOT_ADDS_REFUSED);
VDM_COUNTER(infos, VDM_INFOS);
VDM_COUNTER(unknown, VDM_UNKNOWN);
VDM_COUNTER(faults, VDM_FAULTS);
VDM_COUNTER(stale, VDM_STALE);

static struct attribute *vdm_counter_attrs[] = {
	&dev_attr_reports.attr,
	&dev_attr_negotiations.attr,
	&dev_attr_balloon_requests.attr,
	&dev_attr_unballoon_requests.attr,
	&dev_attr_pages_given.attr,
	&dev_attr_pages_returned.attr,
	&dev_attr_hot_adds_refused.attr,
	&dev_attr_infos.attr,
	&dev_attr_unknown.attr,
	&dev_attr_faults.attr,
	&dev_attr_stale.attr,
	NULL
};

static const struct attribute_group vdm_counter_group = {
	.name = "counters",
	.attrs = vdm_counter_attrs,
};

const struct attribute_group *vdm_groups[] = {
	&vdm_group,
	&vdm_counter_group,
	NULL
};
