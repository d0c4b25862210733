# the SDK's fragment
