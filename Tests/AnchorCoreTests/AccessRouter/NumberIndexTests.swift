import Testing

@testable import AnchorCore

@Suite struct NumberIndexTests {
    @Test(arguments: [0, 1, 2, 3, 1000])
    func `it finds the place of each number and of no other`(count: Int) {
        var random = SeededRandom(seed: 3)
        // In steps, so that their lower bits are the same.
        let numbers = (0..<count).map { UInt64($0) << 40 | random.next() % 8 }
        let index = NumberIndex(numbers)
        for (place, number) in numbers.enumerated() { #expect(index[number] == place) }
        for _ in 0..<1000 {
            let number = random.next() % 2 == 0 ? random.next() : random.next() % 16
            #expect(index[number] == numbers.lastIndex(of: number))
        }
    }

    @Test func `of equal numbers the last counts`() {
        let index = NumberIndex([7, 8, 7])
        #expect(index[7 as UInt64] == 2 && index[8 as UInt32] == 1 && index[9 as UInt64] == nil)
    }
}
