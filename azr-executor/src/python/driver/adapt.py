# Part 6 of 9: what modules of the library need to work without a single descriptor.


def adapt_selector_events(module):
    """Lets `asyncio` wait for its timers alone: no other process, thread or signal ever wakes a loop."""
    selectors = module.selectors

    class TimerSelector(selectors._BaseSelectorImpl):
        """Waits for time to pass."""

        def select(self, timeout=None):
            while timeout is None:
                time_sleep(3600)
            if timeout > 0:
                time_sleep(timeout)
            return []

    loop = module.BaseSelectorEventLoop
    begin = loop.__init__

    def __init__(self, selector=None):
        begin(self, TimerSelector() if selector is None else selector)

    def _make_self_pipe(self):
        self._ssock = self._csock = None

    def _close_self_pipe(self):
        pass

    for function in (__init__, _make_self_pipe, _close_self_pipe):
        function.__qualname__ = "BaseSelectorEventLoop." + function.__name__
        function.__module__ = module.__name__
        setattr(loop, function.__name__, function)


def keep_apart(*definitions):
    """Functions that programs can find see nothing of this driver but what they need."""
    names = "ADAPTED Data EXTENSION LEFT_OUT MODULE_SOURCE PACKAGE_CODE PACKAGE_SOURCE _imp bootstrap io marshal sys time_sleep"
    own = {name: globals()[name] for name in names.split()}
    own["__builtins__"] = builtins
    function = type(keep_apart)
    for definition in definitions:
        for name, member in list(vars(definition).items()):
            if type(member) is function:
                setattr(definition, name, function(member.__code__, own, name, member.__defaults__))
            elif type(member) is property:
                setattr(definition, name, property(function(member.fget.__code__, own)))
    for name, adapt in ADAPTED.items():
        ADAPTED[name] = function(adapt.__code__, own)


time_sleep = time.sleep
ADAPTED = {"asyncio.selector_events": adapt_selector_events}
