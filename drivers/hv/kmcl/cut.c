// SPDX-License-Identifier: GPL-2.0
/*
 * Cutting a link.
 *
 * PostStarted may wait for a packet whose memory the peer may touch, on a bus
 * that lends it. Such a packet ends only with its completion or with its link
 * (D6), and the link's end waits for PostStarted: a peer that is silent would
 * hold it for ever (D7). So where a channel is to end meanwhile, the link is
 * closed at once, out of its life's turn; the packets end, PostStarted returns,
 * and the rest of the end takes its usual course.
 */
#include "internal.h"

/* Is there something that only the end of the link can end? */
static bool kmcl_cut_begin(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = ch->in_post_started && kmcl_closing(ch) && !kmcl_still(ch) && !ch->cut &&
	      !list_empty(&ch->tx_sent);
	if (ret) {
		ch->cut = true;
		/* Also for a freeze that comes before the life gets to the end. */
		ch->link_down = true;
		ch->tx_open = false;
		/* And nothing goes into the ring any more. */
		kmcl_send_end_link_locked(ch, false);
	}
	kmcl_send_unlock(ch, flags);
	return ret;
}

static void kmcl_cut_work(struct work_struct *work)
{
	struct vmb_channel *ch = container_of(work, struct vmb_channel, cut_work);

	if (!kmcl_cut_begin(ch))
		return;
	kmcl_receive_set_mode(ch, KMCL_RX_OFF);
	ch->ops->close(ch->link);
	kmcl_send_end_link(ch, true);
}

/* The link is closed when this returns. */
void kmcl_cut_close(struct vmb_channel *ch)
{
	flush_work(&ch->cut_work);
	if (!ch->cut)
		ch->ops->close(ch->link);
	ch->cut = false;
}

void kmcl_cut_init(struct vmb_channel *ch)
{
	INIT_WORK(&ch->cut_work, kmcl_cut_work);
}
