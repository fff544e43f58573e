"""What surrounds one board and can be turned by a scenario: patient, ward, air."""

import math
from dataclasses import dataclass


@dataclass
class World:
    """The knobs of a board's surroundings; each may be turned while the board runs.

    in_use             a therapy is running: the clinic's switch
    rssi               signal strength in dBm around which the radio reports
    link               whether the clinical record system can be reached
    sensor_present     whether a sensor is plugged in
    sensor_mean        what the sensor measures, in its own unit
    sensor_noise       standard deviation of a sample
    sensor_error_rate  chance that the sensor has no sample to give
    wake_jitter_ms     the CPU wakes up to so much later than asked
    serial_delay_ms    shortest and longest time a line takes to the board
    """

    in_use: bool = False
    rssi: int = -55
    link: bool = True
    sensor_present: bool = True
    sensor_mean: float = 80.0
    sensor_noise: float = 2.0
    sensor_error_rate: float = 0.05
    wake_jitter_ms: int = 4
    serial_delay_ms: tuple[int, int] = (2, 6)

    def physiology(self, now_ms: int) -> float:
        """The true value under the sensor: a slow swing of a twentieth around its mean."""
        return self.sensor_mean * (1 + 0.05 * math.sin(now_ms / 60_000 * math.tau))
