/*
 * marker.c - see marker.h.
 */
#include "marker.h"

bool marker_init(const struct fw_cfg *cfg)
{
	struct fw_cfg_item item;
	bool on = fw_cfg_find(cfg, MARKER_FILE, &item);

	marker_write(on, MARKER_FW_START);
	return on;
}
