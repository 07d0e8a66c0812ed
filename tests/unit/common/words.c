/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/words.h"
#include "rstmon/cause.h"
#include "rstmon/event.h"

Test(words, names_are_the_contracts)
{
	cr_assert_str_eq(direction_name(RST_SENT), "sent");
	cr_assert_str_eq(direction_name(RST_RECEIVED), "received");
	cr_assert_str_eq(direction_name(RST_TIMEOUT), "", "it has none");
	cr_assert_str_eq(role_name(RST_ROLE_NONE), "none");
	cr_assert_str_eq(role_name(RST_ROLE_SERVER), "server");
	cr_assert_str_eq(role_name(RST_ROLE_CLIENT), "client");
	cr_assert_str_eq(owner_source_name(RST_OWNER_ITERATOR), "iterator");
	cr_assert_str_eq(owner_source_name(RST_OWNER_KERNEL), "kernel");
	cr_assert_str_eq(confidence_name(CONFIDENCE_CERTAIN), "certain");
	cr_assert_str_eq(cause_name(RST_CAUSE_UNKNOWN), "unknown");
	cr_assert_str_eq(cause_name(RST_CAUSE_CLOSED_PORT), "closed_port");
	cr_assert_str_eq(cause_summary(RST_CAUSE_UNKNOWN), "the evidence decides no cause");
}

Test(words, every_number_in_range_has_a_name_of_its_own)
{
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		cr_assert_str_neq(cause_name(i), "invalid");
		cr_assert_str_not_empty(cause_summary(i));
		cr_assert_eq(cause_parse(cause_name(i)), (int)i);
	}
	for (unsigned int i = 0; i < RST_OWNER_SOURCE_MAX; i++)
		cr_assert_not_null(owner_source_name(i));
}

Test(words, out_of_range_is_invalid)
{
	cr_assert_str_eq(direction_name(RST_DIRECTION_MAX), "invalid");
	cr_assert_str_eq(role_name(RST_ROLE_MAX), "invalid");
	cr_assert_str_eq(owner_source_name(RST_OWNER_SOURCE_MAX), "invalid");
	cr_assert_str_eq(confidence_name(CONFIDENCE_MAX), "invalid");
	cr_assert_str_eq(cause_name(RST_CAUSE_MAX), "invalid");
	cr_assert_str_eq(cause_name(~0U), "invalid");
	cr_assert_str_eq(tcp_state_name(14), "invalid");
}

Test(words, states_have_the_kernels_numbers)
{
	cr_assert_str_eq(tcp_state_name(0), "");
	cr_assert_str_eq(tcp_state_name(1), "ESTABLISHED");
	cr_assert_str_eq(tcp_state_name(2), "SYN_SENT");
	cr_assert_str_eq(tcp_state_name(3), "SYN_RECV");
	cr_assert_str_eq(tcp_state_name(6), "TIME_WAIT");
	cr_assert_str_eq(tcp_state_name(7), "CLOSE");
	cr_assert_str_eq(tcp_state_name(8), "CLOSE_WAIT");
	cr_assert_str_eq(tcp_state_name(10), "LISTEN");
	cr_assert_str_eq(tcp_state_name(12), "NEW_SYN_RECV");
}

Test(words, errors_of_sockets)
{
	cr_assert_str_eq(socket_errno_name(0), "");
	cr_assert_str_eq(socket_errno_name(ECONNRESET), "ECONNRESET");
	cr_assert_str_eq(socket_errno_name(EPIPE), "EPIPE");
	cr_assert_str_eq(socket_errno_name(ECONNREFUSED), "ECONNREFUSED");
	cr_assert_str_eq(socket_errno_name(ETIMEDOUT), "ETIMEDOUT");
	cr_assert_str_eq(socket_errno_name(99999), "");
	cr_assert_str_eq(socket_errno_name(-1), "");
}

Test(words, parse_is_exact)
{
	cr_assert_eq(direction_parse("sent"), RST_SENT);
	cr_assert_eq(direction_parse("received"), RST_RECEIVED);
	cr_assert_eq(direction_parse("Sent"), -EINVAL);
	cr_assert_eq(direction_parse("sent "), -EINVAL);
	cr_assert_eq(direction_parse(""), -EINVAL);
	cr_assert_eq(role_parse("client"), RST_ROLE_CLIENT);
	cr_assert_eq(role_parse("invalid"), -EINVAL);
	cr_assert_eq(cause_parse("closed"), -EINVAL);
}
