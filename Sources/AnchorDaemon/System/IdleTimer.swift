import Dispatch

extension DispatchSource {
    /// A timer that is active and set to nothing yet. One that was made and never activated must not be released:
    /// Dispatch ends the process, and with it the reason why a start failed in between.
    static func makeIdleTimer(on queue: DispatchQueue) -> any DispatchSourceTimer {
        let timer = makeTimerSource(queue: queue)
        timer.schedule(deadline: .distantFuture)
        timer.activate()
        return timer
    }
}
