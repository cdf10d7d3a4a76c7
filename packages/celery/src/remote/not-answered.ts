/** The worker takes no commands: nobody is to be answered. */
export class NotAnswered extends Error {
  override readonly name = 'NotAnswered';

  constructor() {
    super('the worker takes no remote commands (remoteControl: false)');
  }
}
