import Foundation

/// A download's progress: one line that is drawn over itself on a terminal, and now and then a line elsewhere.
struct ProgressBar {
    private let total: Int
    private let isTerminal: Bool
    private var lastShown = -1
    private var isDrawn = false

    init(total: Int, isTerminal: Bool) {
        self.total = total
        self.isTerminal = isTerminal
    }

    /// - Parameter where: what is shown behind it.
    mutating func show(_ bytes: Int, _ place: String, _ write: (String) -> Void) {
        let percent = total == 0 ? 100 : min(100, bytes * 100 / total)
        guard percent != lastShown, isTerminal || percent / 10 != lastShown / 10 || lastShown < 0 else { return }
        lastShown = percent
        let filled = percent * 40 / 100
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 40 - filled)
        let line = "  [\(bar)] \(percent) %  \(bytes / 1_000_000) of \(total / 1_000_000) MB, \(place)"
        write(isTerminal ? "\r\u{1b}[K\(line)" : line + "\n")
        isDrawn = isTerminal
    }

    /// Leaves the line as it is, so that other text can follow.
    mutating func end(_ write: (String) -> Void) {
        if isDrawn { write("\n") }
        isDrawn = false
        lastShown = -1
    }
}
