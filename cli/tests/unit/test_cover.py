from itertools import pairwise

from antiphon.demo.cover import WIDTH, pixels


def test_the_cover_weaves_a_warm_and_a_cool_choir() -> None:
    picture = pixels()
    assert len(picture) == WIDTH * WIDTH * 3

    def counted(x_from: int, x_to: int) -> tuple[int, int]:
        warm = cool = 0
        for y in range(0, WIDTH, 10):
            for x in range(x_from, x_to, 10):
                red, _, blue = picture[3 * (y * WIDTH + x) : 3 * (y * WIDTH + x) + 3]
                warm += red > blue + 40
                cool += blue > red + 40
        return warm, cool

    left_warm, left_cool = counted(0, WIDTH // 2)
    right_warm, right_cool = counted(WIDTH // 2, WIDTH)
    assert left_warm > 2 * left_cool > 0
    assert right_cool > 2 * right_warm > 0


def test_neither_choir_lies_on_top() -> None:
    picture = pixels()
    x = WIDTH * 9 // 20
    column = [picture[3 * (y * WIDTH + x) :][:3] for y in range(WIDTH)]
    sides = [red > blue for red, _, blue in column if max(red, blue) > 130]
    changes = sum(a != b for a, b in pairwise(sides))
    assert changes >= 12
