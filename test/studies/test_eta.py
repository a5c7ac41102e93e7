"""The time left is told from runs of the same kind."""

from xmodal_ros.studies.eta import Outlook


def test_the_time_left_by_hand():
    outlook = Outlook(['a', 'a', 'b', 'c'], workers=2)
    assert outlook.seconds() is None
    assert outlook.text() == 'unknown time'
    outlook.learn('b', 10)
    outlook.finish('a', 2)
    # a 2, b 10, and c as long as the mean of 6, by two workers.
    assert outlook.seconds() == (2 + 10 + 6) / 2
    outlook.finish('a', 4)
    outlook.finish('b', 10)
    outlook.finish('c', 1)
    assert outlook.seconds() == 0


def test_in_words():
    for seconds, text in ((59, '59 s'), (600, '10 min'), (9000, '2.5 h')):
        outlook = Outlook(['a'], workers=1)
        outlook.learn('a', seconds)
        assert outlook.text() == text
