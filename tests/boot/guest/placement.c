/* placement.c - nothing handed over may overlap anything else, or lie where it gets lost. */
#include "guest.h"

static struct {
	enum occupant kind;
	const char *name;
	uint64_t base, end;
} places[96];
static uint32_t count, overflow;

void occupies(enum occupant kind, const char *name, uint64_t base, uint64_t size)
{
	if (!size)
		return;
	if (count == sizeof(places) / sizeof(places[0])) {
		overflow++;
		return;
	}
	places[count].kind = kind;
	places[count].name = name;
	places[count].base = base;
	places[count++].end = base + size;
}

static bool well_placed(uint32_t i)
{
	uint64_t size = places[i].end - places[i].base;
	uint32_t type = map_type(places[i].base, size);

	switch (places[i].kind) {
	case KERNEL:
		return type == MAP_RAM;
	case HANDED_OVER:
		return type != MAP_NONE;
	case TABLE: /* the legacy hole need not be listed: no system takes it for RAM */
		return type != MAP_RAM && (type != MAP_NONE || places[i].end <= MIB) &&
		       !map_overlaps(places[i].base, size, MAP_RAM);
	}
	return false;
}

void check_placement(void)
{
	uint32_t collisions = 0;

	check_equal("placement.untold", 0, overflow);
	for (uint32_t i = 0; i < count; i++) {
		check(well_placed(i), "placement", "memory of the right type",
		      "%s at %llx-%llx in type %u", places[i].name, places[i].base, places[i].end,
		      map_type(places[i].base, places[i].end - places[i].base));
		for (uint32_t j = 0; j < i; j++) {
			if (places[i].base >= places[j].end || places[j].base >= places[i].end ||
			    (places[i].kind == KERNEL && places[j].kind == KERNEL))
				continue;
			check(false, "placement.overlap", "none",
			      "%s at %llx-%llx in %s at %llx-%llx", places[i].name, places[i].base,
			      places[i].end, places[j].name, places[j].base, places[j].end);
			collisions++;
		}
	}
	check_equal("placement.collisions", 0, collisions);
}
