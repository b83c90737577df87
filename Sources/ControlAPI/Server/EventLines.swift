import FlyingSocks
import Foundation

/// Events as JSON lines, an event a piece.
struct EventLines: AsyncBufferedSequence {
    typealias Element = UInt8

    private let events: AsyncStream<EventModel>

    init(_ events: AsyncStream<EventModel>) { self.events = events }

    func makeAsyncIterator() -> Iterator { Iterator(events.makeAsyncIterator()) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        private var events: AsyncStream<EventModel>.Iterator
        private var line: ArraySlice<UInt8> = []

        init(_ events: AsyncStream<EventModel>.Iterator) { self.events = events }

        mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

        mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
            if line.isEmpty {
                guard let event = await events.next() else { return nil }
                line = try ArraySlice(JSONEncoder.control.encode(event)) + [UInt8(ascii: "\n")]
            }
            let piece = line.prefix(count)
            line = line.dropFirst(piece.count)
            return piece
        }
    }
}
