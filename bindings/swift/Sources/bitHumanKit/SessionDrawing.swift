import CEssence

/// The outcome of a draw.
public enum EssenceNext: Sendable, Hashable {
    /// A frame was drawn.
    case frame
    /// None now: push more or flush; in real time, the next one is not due yet.
    case again
    /// Every utterance is complete: only with `reportsDone`.
    case done
}

/// How long a draw waits for its frame's time.
public enum EssenceWait: Sendable, Hashable {
    /// Until the frame is due. Blocks the thread, so not for Swift's tasks.
    case untilDue
    /// Not at all.
    case never
    /// So long at most.
    case within(Duration)
}

/// The steps that each frame goes through.
extension EssenceSession {
    /// Draws the next frame into a room.
    @discardableResult
    public func draw(_ room: EssenceFrameRoom, wait: EssenceWait = .untilDue) throws -> EssenceNext {
        room.raw = nil
        var raw = essence_frame_info.sized()
        let next = try draw(room, nil, &raw, wait)
        if next == .frame { room.raw = raw }
        return next
    }

    /// Draws the next frame, its picture straight into memory of the program's, which the room refers to until it is drawn into
    /// again.
    ///
    /// - Parameter rowBytes: from one row to the next, for formats in one plane; nil: rows have no padding.
    @discardableResult
    public func draw(
        _ room: EssenceFrameRoom, into memory: UnsafeMutableRawBufferPointer, format: EssencePixelFormat,
        rowBytes: Int? = nil, wait: EssenceWait = .untilDue
    ) throws -> EssenceNext {
        room.raw = nil
        var picture = try wrap(memory, format, info.width, info.height, rowBytes: rowBytes)
        var raw = essence_frame_info.sized()
        let next = try draw(room, &picture, &raw, wait)
        if next == .frame { room.raw = raw }
        return next
    }

    /// Draws as many frames as are there without waiting but for the first, at most as many as there are rooms (1 to 64).
    public func draw(_ rooms: [EssenceFrameRoom]) throws -> (next: EssenceNext, drawn: Int) {
        rooms.forEach { $0.raw = nil }
        var drawn = 0
        let status = try borrow(rooms[...], []) { frames in
            try handle.call { session, error in
                frames.withUnsafeBufferPointer {
                    essence_session_next_frames(session, $0.baseAddress, nil, nil, $0.count, &drawn, error)
                }
            }
        }
        for room in rooms.prefix(drawn) { try room.describe() }
        return (next(status), drawn)
    }

    /// The next frame to keep; nil if there is none. Waits as told: by default not at all, as Swift's tasks need it.
    public func nextFrame(wait: EssenceWait = .never) throws -> EssenceFrame? {
        let room = try EssenceFrameRoom()
        return try nextFrame(room, wait: wait)
    }

    /// The same with a room to draw in.
    func nextFrame(_ room: EssenceFrameRoom, wait: EssenceWait = .never) throws -> EssenceFrame? {
        guard hasPictures else {
            guard try draw(room, wait: wait) == .frame else { return nil }
            return room.raw.map { EssenceFrame($0, picture: nil) }
        }
        // Drawn into the memory that is given away: a picture is written once.
        var next = EssenceNext.again
        let bytes = try [UInt8](unsafeUninitializedCapacity: info.pictureBytes) { memory, count in
            next = try draw(room, into: UnsafeMutableRawBufferPointer(memory), format: info.pixelFormat, wait: wait)
            count = next == .frame ? memory.count : 0
        }
        guard next == .frame, let raw = room.raw else { return nil }
        // The memory belongs to the picture now.
        room.raw = nil
        return EssenceFrame(raw, picture: EssencePicture(checked: info.pixelFormat, info.width, info.height, bytes))
    }

    /// Has `callback` called, from any thread, as soon as a draw that gave `again` may give something else. It should return at
    /// once, and neither close the session nor be what holds it. nil: none any more; once this returns, the one before is not
    /// called again.
    public func setWakeup(_ callback: (@Sendable () -> Void)?) throws {
        try wakeup.set(callback, on: handle)
    }

    private func draw(
        _ room: EssenceFrameRoom, _ picture: UnsafePointer<essence_picture>?, _ raw: inout essence_frame_info, _ wait: EssenceWait
    ) throws -> EssenceNext {
        let status = try room.handle.use { frame in
            try handle.call { session, error in
                switch wait {
                case .untilDue: essence_session_next_frame(session, frame, picture, &raw, error)
                case .never: essence_session_try_next_frame(session, frame, picture, &raw, error)
                case .within(let time):
                    essence_session_next_frame_within(session, frame, picture, &raw, time.nanoseconds, error)
                }
            }
        }
        return next(status)
    }
}

private func next(_ status: essence_status) -> EssenceNext {
    switch Int(status) {
    case Int(ESSENCE_OK): .frame
    case Int(ESSENCE_DONE): .done
    default: .again
    }
}

/// Lends the frames of all rooms at once.
private func borrow<Result>(
    _ rooms: ArraySlice<EssenceFrameRoom>, _ frames: [OpaquePointer?], _ body: ([OpaquePointer?]) throws -> Result
) throws -> Result {
    guard let room = rooms.first else { return try body(frames) }
    return try room.handle.use { try borrow(rooms.dropFirst(), frames + [$0], body) }
}
