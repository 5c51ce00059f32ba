import Foundation
import SegKernels

/// What happens on the street while a clip lasts, and how the car with the camera moves through it.
struct Drive: Sendable {
  /// What the camera's car does.
  enum Event {
    case cruising
    /// It comes to a halt before a red signal, while others cross.
    case stopping
    /// It stood, and sets off.
    case starting
  }

  let event: Event
  /// Where on the street the camera begins, and how it goes on from there.
  let start: Float
  let profile: SpeedProfile
  /// Seconds.
  let duration: Float
  /// Cars between a red signal and the camera's.
  let queue: Int
  /// To the right of the street's middle.
  private let lane: Float
  private let height: Float, heading: Float, pitch: Float, roll: Float
  /// Phases of what rocks the car.
  private let phases: Vector

  /// How far a car's middle stays from the line that it stops at.
  static let halt: Float = 3
  /// From the middle of one car in a queue to the next.
  static let spacing: Float = 7.5

  init(_ plan: StreetPlan, duration: Float, _ random: inout RandomSource) {
    self.duration = duration
    let cruise = random.between(8.5, 13.5), choice = random.nextUniform(), cars = random.whole(0...2)
    let brakes = random.between(0.2, 0.8), wait = random.between(0, 0.6)
    var profile = SpeedProfile(from: cruise, to: cruise + random.between(-2, 1.5), during: 0.2...duration)
    var (event, start, queue): (Event, Float, Int) = (.cruising, 0, 0)
    if let line = plan.stopLine, choice < 0.45 {
      let stop = line - 2.5 - (cars > 0 ? Drive.halt + Drive.spacing * Float(cars) - 2 : 0)
      if choice < 0.3, stop > 6 {
        // Distances are proportional to the speed: slower where there is not enough street to brake on.
        profile = SpeedProfile(from: cruise, to: 0, during: brakes...(0.85 * duration))
        profile = profile.scaled(by: min(1, stop / profile.distance(at: duration)))
        (event, start, queue) = (.stopping, stop - profile.distance(at: duration), cars)
      } else if choice >= 0.3, stop > 0 {
        profile = SpeedProfile(from: 0, to: cruise * 0.85, during: wait...(duration + 0.4))
        (event, start) = (.starting, stop)
      }
    }
    (self.event, self.start, self.profile, self.queue) = (event, start, profile, queue)
    lane = plan.ownLane + random.between(-0.3, 0.3)
    height = random.between(1.15, 1.75)
    heading = random.between(-0.03, 0.03)
    pitch = random.between(0, 0.07)
    roll = random.between(-0.018, 0.018)
    phases = Vector(random.between(0, 6.28), random.between(0, 6.28), random.between(0, 6.28))
  }

  /// How far along the street the camera is.
  func position(at time: Float) -> Float { start + profile.distance(at: time) }

  /// The camera's frame: the car drifts in its lane, nods when it brakes, and rocks on its springs as it rolls.
  func frame(on road: Road, at time: Float) -> Frame {
    let rolling = min(profile.speed(at: time) / 8, 1)
    let drift = 0.12 * sin(0.9 * time + phases.x)
    let nod = -0.005 * profile.acceleration(at: time)
    let bounce = rolling * (0.0035 * sin(8.3 * time + phases.y) + 0.0008 * sin(31 * time + phases.z))
    let heave = rolling * 0.012 * sin(8.3 * time + phases.y + 1)
    let sway = rolling * 0.003 * sin(5.1 * time + phases.z)
    return road.frame(position(at: time), lane + drift, heading: heading, height: height + heave)
      .pitched(pitch + nod + bounce).rolled(roll + sway)
  }
}

extension StreetPlan {
  /// Where cars stop before the crossing street.
  var stopLine: Float? { crossing.map { $0.s - $0.half - 5.3 } }
}
