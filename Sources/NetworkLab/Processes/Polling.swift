import Foundation

/// Asks again and again until the condition holds.
/// - Parameter every: pause between two questions, in milliseconds.
/// - Returns: whether it held before the time was used up.
public func pollUntil(timeout: Duration, every: Int32 = 5, _ condition: () throws -> Bool) rethrows -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    while true {
        if try condition() { return true }
        if clock.now >= deadline { return false }
        poll(nil, 0, every)
    }
}

/// - Throws: ``LabError/timedOut(_:)`` naming what was waited for.
public func waitUntil(_ what: String, timeout: Duration = .seconds(10), _ condition: () throws -> Bool) throws {
    guard try pollUntil(timeout: timeout, condition) else { throw LabError.timedOut(what) }
}
