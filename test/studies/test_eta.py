"""The time left is told from runs of the same kind."""

from xmodal_ros.studies.eta import EtaEstimator


def test_the_time_left_by_hand():
    eta = EtaEstimator(['a', 'a', 'b', 'c'], workers=2)
    assert eta.seconds() is None
    assert eta.text() == 'unknown time'
    eta.observe('b', 10)
    eta.finish('a', 2)
    # a 2, b 10, and c as long as the mean of 6, by two workers.
    assert eta.seconds() == (2 + 10 + 6) / 2
    eta.finish('a', 4)
    eta.finish('b', 10)
    eta.finish('c', 1)
    assert eta.seconds() == 0


def test_in_words():
    for seconds, text in ((59, '59 s'), (600, '10 min'), (9000, '2.5 h')):
        eta = EtaEstimator(['a'], workers=1)
        eta.observe('a', seconds)
        assert eta.text() == text
