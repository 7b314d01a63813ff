// What a stream knows of its compression: the algorithm that was chosen for its answer and the encoders at work. Borrowed while it lasts.

/** One direction: an encoder and the buffer that it writes to. */
export class CodingSide {
  /** In place of an encoder: bytes pass as they are. */
  static readonly IDENTITY = -2;
  /** -1: this direction is not encoded. */
  encoder = -1;
  /** Buffer that is being filled, -1: none, and where its next byte goes. */
  out = -1;
  outAt = 0;
  /** Bytes were taken in since the last flush. */
  isDirty = false;
}

export class StreamCoding {
  /** Index of the algorithm for the response in its direction's list, -1: none. */
  algorithm = -1;
  readonly request = new CodingSide();
  readonly response = new CodingSide();
}
