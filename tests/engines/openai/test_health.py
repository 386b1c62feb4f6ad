from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.backoff import Backoff
from pixel_agent.core.errors import ConfigurationError
from pixel_agent.engines.openai.health import (
    MAX_RETRY_AFTER_S,
    Health,
    HealthEvent,
    Pace,
    View,
    after,
    checked,
    least_loaded,
    next_pause,
    parse_urls,
)

PACE = Pace(eject_after=3, backoff=Backoff(0.1, 5.0), max_in_flight=8)
UP = Health(limit=8.0, up=True)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

events = st.tuples(st.sampled_from(HealthEvent), st.integers(0, 9), st.floats(0, 1000))
healths = st.builds(
    Health,
    limit=st.floats(1, 8),
    up=st.booleans(),
    failures=st.integers(0, 5),
    refusals=st.integers(0, 40),
    paused_until=st.floats(0, 50),
)
views = st.builds(
    View, weight=st.floats(0.1, 10), in_flight=st.integers(0, 9), served=st.integers(0, 99), health=healths
)


def view(in_flight: int = 0, weight: float = 1.0, served: int = 0, health: Health = UP) -> View:
    return View(weight, in_flight, served, health)


def judge(health: Health, event: HealthEvent, in_flight: int = 0, retry_after: float = 0.0, now: float = 0.0) -> Health:
    return after(health, event, PACE, now, in_flight, retry_after)


# Who is asked


def test_the_least_loaded_server_is_asked() -> None:
    assert least_loaded([view(3), view(1), view(2)], 0) == 1


def test_load_counts_by_weight() -> None:
    assert least_loaded([view(3, weight=1), view(5, weight=2)], 0) == 1


def test_idle_servers_take_turns() -> None:
    assert least_loaded([view(served=5), view(served=4)], 0) == 1


@pytest.mark.parametrize(
    "other",
    [
        view(health=replace(UP, up=False)),
        view(health=replace(UP, paused_until=9.0)),
        view(8),
        view(weight=9, in_flight=8),
    ],
)
def test_who_is_down_paused_or_full_is_not_asked(other: View) -> None:
    assert least_loaded([other, view(7)], 1.0) == 1
    assert least_loaded([other], 1.0) is None


def test_where_it_failed_is_asked_again_only_if_nobody_else_is_up() -> None:
    assert least_loaded([view(0), view(7)], 0, avoid=0) == 1
    assert least_loaded([view(0), view(8)], 0, avoid=0) is None
    assert least_loaded([view(0), view(health=replace(UP, up=False))], 0, avoid=0) == 0


@given(st.lists(views, max_size=6), st.floats(0, 50))
@settings(deadline=None, max_examples=100)
def test_the_chosen_one_is_free_and_nobody_free_has_less_load(servers: list[View], now: float) -> None:
    chosen = least_loaded(servers, now)
    free = [server for server in servers if server.free(now)]
    assert (chosen is None) is (not free)
    if chosen is not None:
        assert servers[chosen].free(now)
        loads = [(server.in_flight + 1) / server.weight for server in free]
        assert (servers[chosen].in_flight + 1) / servers[chosen].weight == min(loads)


# Health


def test_failures_in_a_row_eject_and_an_answer_in_between_forgives() -> None:
    twice = judge(judge(UP, HealthEvent.FAILED), HealthEvent.FAILED)
    assert twice.up
    assert not judge(twice, HealthEvent.FAILED).up
    assert judge(judge(twice, HealthEvent.ANSWERED), HealthEvent.FAILED).up


def test_no_connection_ejects_at_once() -> None:
    assert not judge(UP, HealthEvent.UNREACHABLE).up


def test_only_a_health_check_brings_a_server_back() -> None:
    down = judge(UP, HealthEvent.UNREACHABLE)
    assert not judge(down, HealthEvent.ANSWERED).up
    assert checked(down, True, PACE) == UP


def test_bad_checks_eject_like_failures() -> None:
    health = UP
    for _ in range(PACE.eject_after):
        health = checked(health, False, PACE)
    assert not health.up


def test_a_refusal_pauses_as_long_as_the_server_wants_and_learns_what_it_holds() -> None:
    refused = judge(UP, HealthEvent.REFUSED, in_flight=5, retry_after=2.0, now=10.0)
    assert (refused.up, refused.failures, refused.limit, refused.paused_until) == (True, 0, 5.0, 12.0)


def test_refusals_without_a_wish_pause_longer_and_longer() -> None:
    first = judge(UP, HealthEvent.REFUSED)
    second = judge(first, HealthEvent.REFUSED)
    assert (first.paused_until, second.paused_until) == (0.1, 0.2)


def test_answers_raise_a_lowered_limit_slowly() -> None:
    health = judge(UP, HealthEvent.REFUSED, in_flight=4)
    for _ in range(4):
        health = judge(health, HealthEvent.ANSWERED)
    assert 4.9 < health.limit < 5.1


@given(healths, st.lists(events, max_size=30))
@settings(deadline=None, max_examples=100)
def test_whatever_happens_limits_and_pauses_stay_bounded(
    health: Health, story: list[tuple[HealthEvent, int, float]]
) -> None:
    for event, in_flight, wish in story:
        health = judge(health, event, in_flight, wish, now=50.0)
        assert 1.0 <= health.limit <= PACE.max_in_flight
        assert health.paused_until <= 50.0 + MAX_RETRY_AFTER_S


# Trying again


def test_pauses_double_up_to_a_bound() -> None:
    assert [PACE.backoff.pause_s(failures) for failures in (1, 2, 3, 99)] == [0.1, 0.2, 0.4, 5.0]


def test_no_pause_that_passes_the_deadline_and_not_too_many() -> None:
    assert next_pause(1, 2, 1.0, PACE) == 0.1
    assert next_pause(2, 2, 1.0, PACE) == 0.2
    assert next_pause(3, 2, 1.0, PACE) is None
    assert next_pause(1, 2, 0.05, PACE) is None


# Addresses


def test_urls_with_and_without_weights() -> None:
    first, second = parse_urls(" http://gpu1:8000/v1/*2.5, https://u:p@gpu2/openai/v1 ,")
    assert (first.url, first.weight, first.root) == ("http://gpu1:8000/v1", 2.5, "http://gpu1:8000")
    assert (second.url, second.weight, second.root) == ("https://u:p@gpu2/openai/v1", 1.0, "https://u:p@gpu2/openai")


def test_names_for_people_hide_user_and_password() -> None:
    assert parse_urls("https://user:secret@gpu2/v1")[0].name == "https://gpu2/v1"


@pytest.mark.parametrize(
    "text",
    ["", " , ", "gpu1:8000", "ftp://gpu1/v1", "http://", "http://a/v1*0", "http://a/v1*x", "http://a/v1,http://a/v1/"],
)
def test_wrong_urls_are_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="openai.urls"):
        parse_urls(text)


@given(st.text(alphabet="htps:/.*,1a[]@ ", max_size=30))
@settings(deadline=None, max_examples=100)
def test_any_text_gives_addresses_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigurationError):
        assert all(address.weight > 0 for address in parse_urls(text))
