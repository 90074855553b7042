/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-guest-name.c - the UUID of a guest of which only the name is known */
#include "store/record.h"

#include "record-place.h"

#define OTHER "22345678-9abc-def0-1234-56789abcdef0"
#define LINK  "guests/vm1.name"

static void save(struct place *place, const char *name, const char *uuid,
		 int64_t incoming)
{
	g_autoptr(L3vmGuest) guest = l3vm_guest_load(place->store, name, uuid, NULL);

	guest->incoming = incoming;
	assert_true(l3vm_guest_save(place->store, guest, NULL));
}

static void assert_uuid(struct place *place, const char *name, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *uuid = NULL;

	assert_true(l3vm_guest_uuid(place->store, name, &uuid, &error));
	assert_null(error);
	if (g_strcmp0(uuid, expected))
		fail_msg("%s has UUID %s, not %s", name, uuid, expected);
}

static void knows_who_has_one(void **state)
{
	struct place *place = *state;

	assert_uuid(place, "vm1", NULL);
	save(place, "vm1", UUID, 1);
	save(place, "plain", NULL, 1);
	assert_uuid(place, "vm1", UUID);
	assert_uuid(place, "plain", NULL);
	assert_uuid(place, UUID, NULL);
	assert_uuid(place, "../ports/x", NULL);
	assert_int_equal(leftovers(place), 0);
}

static void forgets_with_the_record(void **state)
{
	struct place *place = *state;

	save(place, "vm1", UUID, 1);
	assert_true(exists(place, LINK));
	save(place, "vm1", UUID, 0);
	assert_false(exists(place, LINK));
	assert_uuid(place, "vm1", NULL);
}

/* A name is the last guest's that was saved under it. */
static void follows_the_name(void **state)
{
	struct place *place = *state;

	save(place, "vm1", UUID, 1);
	save(place, "renamed", UUID, 1);
	assert_uuid(place, "renamed", UUID);
	assert_uuid(place, "vm1", NULL);
	save(place, "vm1", OTHER, 1);
	assert_uuid(place, "vm1", OTHER);
	/* whose record goes takes no other guest's name along */
	save(place, "vm1", UUID, 1);
	save(place, "vm1", OTHER, 0);
	assert_uuid(place, "vm1", UUID);
	assert_int_equal(leftovers(place), 0);
}

/* It is a shortcut: what it says counts only if a record says so too. */
static void believes_records_only(void **state)
{
	struct place *place = *state;
	g_autofree char *link = path_of(place, LINK);
	g_autoptr(L3vmGuest) found = NULL;

	assert_int_equal(symlink("../../../etc/passwd", link), 0);
	assert_uuid(place, "vm1", NULL);
	save(place, "vm1", UUID, 7);
	assert_uuid(place, "vm1", UUID);
	assert_int_equal(unlink(link), 0);
	assert_uuid(place, "vm1", NULL);
	/* who asks for the guest itself gets it all the same */
	found = l3vm_guest_find(place->store, "vm1", NULL);
	assert_non_null(found);
	assert_string_equal(found->uuid, UUID);
	/* a file where the link should be is replaced */
	assert_true(g_file_set_contents(link, "x", 1, NULL));
	assert_uuid(place, "vm1", NULL);
	save(place, "vm1", UUID, 8);
	assert_uuid(place, "vm1", UUID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(knows_who_has_one),
		CASE(forgets_with_the_record),
		CASE(follows_the_name),
		CASE(believes_records_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
