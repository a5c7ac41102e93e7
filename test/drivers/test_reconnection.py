from xmodal_ros.drivers.reconnection import Backoff


def test_waits_double_up_to_half_a_minute_and_begin_anew_after_success() -> None:
    backoff = Backoff(4.0)
    assert [backoff.next_s() for _ in range(5)] == [4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.reset()
    assert backoff.next_s() == 4.0
